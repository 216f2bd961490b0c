"""Many addresses: patterns, names that differ, and the pace of what is shown."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

import cv2
import pytest

from edge.errors import SettingsError
from edge.protocols import Source
from edge.sources import expanded, name_apart, open_source, open_sources, shares
from edge.sources.folder import FolderSource
from edge.sources.images import ImageSource
from edge.sources.video import VideoSource
from tests.edge.sources.media import plain, ramp, write_video


def test_a_pattern_stands_for_the_files_that_have_such_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("b.mp4", "a.mp4", "c.jpg", "a/d.mp4", "a/b/e.mp4"):
        (tmp_path / name).touch()

    def found(pattern: str) -> list[str]:
        return [str(Path(one).relative_to(tmp_path)) for one in expanded([f"{tmp_path}/{pattern}"])]

    assert found("*.mp4") == ["a.mp4", "b.mp4"]
    assert found("[bc].*") == ["b.mp4", "c.jpg"]
    assert found("a/**") == ["a/b/e.mp4", "a/d.mp4"]
    assert found("**/*.mp4") == ["a.mp4", "a/b/e.mp4", "a/d.mp4", "b.mp4"]
    with pytest.raises(SettingsError, match=r"\*\.avi: expected files of such names, found none"):
        found("*.avi")


def test_what_a_pattern_stands_for_is_no_address_and_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("0", "demo"):
        Path(name).mkdir()
    assert expanded(["*", "./0", "a.mp4", "a.mp4"]) == ["./0", "./demo", "a.mp4"]


def test_a_name_with_a_bracket_is_a_name_and_an_address_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "holiday [1].mp4").touch()
    addresses = [str(tmp_path / "holiday [1].mp4"), "rtsp://camera/a?b=[c]*", "0", "demo"]
    assert expanded(addresses) == addresses


def opened(*addresses: Path | str) -> list[Source]:
    sources = [open_source(str(address)) for address in addresses]
    name_apart(sources, [str(address) for address in addresses])
    return sources


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / "x.mp4", [plain()] * 2)
    write_video(tmp_path / "y.mp4", [plain()])
    paths = [tmp_path / "a" / "x.mp4", tmp_path / "b" / "x.mp4", tmp_path / "y.mp4"]
    sources = opened(*paths)
    assert [source.name for source in sources] == [str(paths[0]), str(paths[1]), "y.mp4"]
    with sources[0] as source:
        assert {frame.source for frame in source} == {str(paths[0])}
        assert source.description.startswith(f"{paths[0]} (")


def test_streams_whose_names_differ_in_the_query_alone_are_numbered() -> None:
    address = "rtsp://recorder/cam/realmonitor?channel="
    sources = opened(f"{address}1", f"{address}2", "rtsp://door/1")
    name = "rtsp://recorder/cam/realmonitor"
    assert [source.name for source in sources] == [f"{name} 1", f"{name} 2", "rtsp://door/1"]


@pytest.mark.parametrize("every", [0.0, 0.1])
def test_what_was_read_is_not_held_until_the_end_of_the_run(tmp_path: Path, every: float) -> None:
    write_video(tmp_path / "x.mp4", ramp(50, 640, 360))
    cv2.imwrite(str(tmp_path / "x.png"), plain())

    def threads() -> int:
        return sum(1 for _ in Path("/proc/self/task").iterdir())

    before = threads()
    sources = [
        VideoSource(tmp_path / "x.mp4", every, threads=4),
        ImageSource(tmp_path / "x.png"),
        FolderSource(tmp_path),
    ]
    for source in sources:
        with source as opened:
            pictures = [weakref.ref(frame.image) for frame in opened]
        gc.collect()
        assert [picture for picture in pictures if picture() is not None] == []
    deadline = time.monotonic() + 5
    while threads() > before:
        assert time.monotonic() < deadline, "threads of a decoder are left"
        time.sleep(0.01)


def test_a_folder_among_others_leads_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_video(tmp_path / "a" / "x.mp4", [plain()])
    for others, name in (((), "x.mp4"), (("demo",), "a/x.mp4")):
        with opened(tmp_path / "a", *others)[0] as source:
            assert [frame.source for frame in source] == [name]


def test_a_larger_file_is_more_of_the_work(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"0" * 3000)
    (tmp_path / "b.mp4").write_bytes(b"0" * 1000)
    assert shares(opened(tmp_path / "a.mp4", tmp_path / "b.mp4")) == [0.75, 0.25]


def test_the_first_camera_is_for_a_run_of_its_own() -> None:
    with pytest.raises(SettingsError, match="found 'auto' among others; name the camera"):
        open_sources(["auto", "demo"])


def test_of_several_each_waits_for_its_device() -> None:
    assert [source.patient for source in open_sources(["97", "98"])] == [True, True]
    assert [source.patient for source in open_sources(["97"])] == [False]
