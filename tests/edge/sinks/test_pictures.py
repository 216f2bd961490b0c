"""Annotated photographs, and folders of them and of videos."""

from __future__ import annotations

import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.errors import SinkError, TargetError
from edge.settings import Recording, Settings
from edge.sinks import find_adapter
from edge.sinks.folder import FolderSink, counterpart
from edge.sinks.pictures import PictureSink
from edge.types import Frame
from tests.edge.sinks.makers import LABELS, feed, frames, image, outage, result


def photograph(source: str, value: int = 100, width: int = 64) -> Frame:
    return Frame(image(width, value=value), 0, 0.0, source, still=True)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def count(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


# One photograph


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".JPG"])
def test_a_photograph_becomes_a_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with find_adapter(path).open(path, LABELS, Settings(output=(path,))) as sink:
        sink.write(photograph("b.png", 120), result())
    found = cv2.imread(str(path))
    assert found is not None
    assert found.shape == (48, 64, 3)
    np.testing.assert_allclose(found, 120, atol=2)
    beginning = b"\x89PNG" if suffix == ".png" else b"\xff\xd8\xff"
    assert path.read_bytes().startswith(beginning)


@pytest.mark.parametrize("live", [False, True])
def test_a_video_or_a_camera_is_no_photograph(tmp_path: Path, live: bool) -> None:
    with (
        PictureSink(tmp_path / "a.jpg") as sink,
        pytest.raises(SinkError, match=r"a\.jpg: expected a photograph .*; choose a\.mp4"),
    ):
        feed(sink, frames(1, live=live))
    assert not files(tmp_path)


def test_a_picture_too_large_for_a_jpeg_says_what_takes_it(tmp_path: Path) -> None:
    wide = Frame(image(70_000), 0, 0.0, "a.png", still=True)
    expected = r"at most 65500 pixels a side, found 70000×48; choose \.png"
    with PictureSink(tmp_path / "a.jpg") as sink, pytest.raises(SinkError, match=expected):
        sink.write(wide, result())
    with PictureSink(tmp_path / "a.png") as sink:
        sink.write(wide, result())
    assert files(tmp_path) == {"a.png"}


# A folder


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("a.jpeg", "still", "a.jpg"),
        ("sub/B.PNG", "still", "sub/B.png"),
        ("a.heic", "still", "a.jpg"),
        ("party 2024.05.mov", "file", "party 2024.05.mp4"),
        ("demo", "file", "demo.mp4"),
        ("camera 0", "live", "camera 0.mp4"),
        ("rtsp://10.0.0.5:554/live.sdp?x=1", "live", "rtsp_10.0.0.5_554_live.sdp_x=1.mp4"),
        ("../../etc/a.jpg", "still", "etc/a.jpg"),
        ("/abs/a.avi", "file", "abs/a.mp4"),
        ("..", "file", "input.mp4"),
        ("a\udcff\x00:b.jpg", "still", "a_b.jpg"),
        ("ä" * 120 + ".jpg", "still", "ä" * 100 + ".jpg"),
    ],
)
def test_a_name_within_the_folder_is_made_of_the_sources(
    source: str, kind: str, expected: str
) -> None:
    assert str(counterpart(source, kind == "still", kind == "live")) == expected


def test_each_input_has_its_counterpart(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "shown"
    with FolderSink(folder) as sink:
        assert not files(tmp_path)
        for source in ("a.jpg", "sub/b.png", "a.webp", "A.JPG"):
            sink.write(photograph(source), result())
        feed(sink, frames(5, source="a.mov"))
        feed(sink, frames(4, source="sub/a.mov"))
    assert files(folder) == {
        *("a.jpg", "sub/b.png", "a-2.jpg", "A-3.jpg", "a.mp4", "sub/a.mp4"),
    }
    assert (count(folder / "a.mp4"), count(folder / "sub" / "a.mp4")) == (5, 4)


def open_files(folder: Path) -> int:
    handles = Path("/proc/self/fd")
    return sum(str(os.path.realpath(each)).startswith(str(folder)) for each in handles.iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no such file system")
def test_a_video_is_closed_when_its_file_ends(tmp_path: Path) -> None:
    with FolderSink(tmp_path) as sink:
        for n in range(6):
            feed(sink, frames(30, source=f"{n}.mov"))
            assert open_files(tmp_path) <= 1
            assert n == 0 or count(tmp_path / f"{n - 1}.mp4") == 30
        sink.write(photograph("a.jpg"), result())
        assert not open_files(tmp_path)
        assert count(tmp_path / "5.mp4") == 30


def test_cameras_side_by_side_come_when_the_files_are_over(tmp_path: Path) -> None:
    with FolderSink(tmp_path) as sink:
        feed(sink, [Frame(image(value=n), n, n / 25, "a.mov") for n in range(10)])
        for n in range(10):
            for source in ("camera 0", "camera 1"):
                feed(sink, [Frame(image(value=n), n, n / 25, source, live=True)])
            sink.lost(outage(1))
            assert count(tmp_path / "a.mp4") == 10
    assert files(tmp_path) == {"camera 0.mp4", "camera 1.mp4", "a.mp4"}
    assert [count(tmp_path / name) for name in sorted(files(tmp_path))] == [10, 10, 10]


def test_what_an_earlier_run_left_is_numbered(tmp_path: Path) -> None:
    for value in (50, 100, 150):
        with FolderSink(tmp_path, Recording(keep=1)) as sink:
            sink.write(photograph("a.png", value), result())
    assert files(tmp_path) == {"a.png", "a.part00002.png"}
    assert cv2.imread(str(tmp_path / "a.part00002.png"))[0, 0, 0] == 100


@pytest.mark.parametrize("given", ["{}/a.jpg", "{}/*.jpg", "{}/sub/../a.jpg"])
def test_an_input_is_not_replaced(tmp_path: Path, given: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"precious")
    with pytest.raises(TargetError, match="expected another file than the input"):
        FolderSink(tmp_path, inputs=[given.format(tmp_path)]).__enter__()


def test_what_lies_in_a_folder_of_inputs_is_not_replaced(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    with FolderSink(shown, inputs=[str(tmp_path)]) as sink:
        sink.write(photograph("a.jpg"), result())
    with (
        FolderSink(shown, inputs=[str(tmp_path)]) as sink,
        pytest.raises(TargetError, match="expected another file than the input"),
    ):
        sink.write(photograph("a.jpg"), result())
    assert files(tmp_path) == {"shown/a.jpg"}


def test_a_folder_is_what_has_no_suffix_or_is_one(tmp_path: Path) -> None:
    (tmp_path / "2024.05").mkdir()
    for name in ("2024.05", "new"):
        assert find_adapter(tmp_path / name).name == "folder"
    find_adapter(tmp_path / "new").check(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    for name in ("file", "file/sub"):
        with pytest.raises(TargetError, match=r"expected a folder .*, found: Not a directory"):
            find_adapter(tmp_path / name).check(tmp_path / name)
