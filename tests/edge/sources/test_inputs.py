"""Many addresses: patterns, names that differ, and the pace of what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import SettingsError
from edge.sources import expanded, name_apart, open_source, paced, shares, until
from edge.types import Frame, Outage, Source
from tests.edge.fakes import frames, outage
from tests.edge.sources.media import plain, write_video


def test_a_pattern_stands_for_the_files_that_have_such_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("b.mp4", "a.mp4", "c.jpg", "a/d.mp4", "a/b/e.mp4"):
        (tmp_path / name).touch()

    def found(pattern: str) -> list[str]:
        return [str(Path(one).relative_to(tmp_path)) for one in expanded([f"{tmp_path}/{pattern}"])]

    assert found("*.mp4") == ["a.mp4", "b.mp4"]
    assert found("[bc].*") == ["b.mp4", "c.jpg"]
    assert found("**/*.mp4") == ["a.mp4", "a/b/e.mp4", "a/d.mp4", "b.mp4"]
    with pytest.raises(SettingsError, match=r"\*\.avi: expected files of such names, found none"):
        found("*.avi")


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


def test_a_stop_ends_a_source_after_the_frame_that_it_is_at() -> None:
    given: list[Frame | Outage] = []
    for item in until([*frames(2), outage(), *frames(3)], lambda: len(given) == 3):
        given.append(item)
    assert len(given) == 3


# Pace


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 1
        self.now += seconds


def due(items: list[Frame | Outage], work: float = 0.0) -> list[float]:
    clock, times = Clock(), []
    for _ in paced(items, clock, clock.sleep):
        times.append(clock.now - 100)
        clock.now += work
    return times


def test_a_file_comes_at_its_own_pace() -> None:
    given: list[Frame | Outage] = [*frames(4, fps=10), *frames(2, fps=5, source="b")]
    assert due(given) == pytest.approx([0, 0.1, 0.2, 0.3, 0.3, 0.5])
    assert due([*frames(4, fps=10)], work=0.04) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_photographs_come_a_second_apart_and_live_frames_at_once() -> None:
    stills = [frame for n in range(3) for frame in frames(1, source=f"{n}.jpg", still=True)]
    assert due([*stills]) == pytest.approx([0, 1, 2])
    assert due([*frames(3, fps=1, live=True), outage()]) == [0, 0, 0, 0]
