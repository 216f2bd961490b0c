"""The place of an output: what is refused, and that nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.errors import SettingsError, SinkError, TargetError
from edge.protocols import Sink
from edge.settings import Recording, Settings
from edge.sinks import ADAPTERS, find_adapter, output
from tests.edge.sinks.makers import LABELS, feed, frames

PICTURES = (".jpg", ".jpeg", ".png")
LINES = (".jsonl", ".csv")
SUFFIXES = pytest.mark.parametrize("suffix", ADAPTERS)
KEPT_OPEN = pytest.mark.parametrize("suffix", [each for each in ADAPTERS if each not in PICTURES])


def sink_for(path: Path, recording: Recording | None = None) -> Sink:
    settings = Settings(output=(path,), recording=recording or Recording())
    return find_adapter(path).open(path, LABELS, settings)


def write(sink: Sink, path: Path) -> None:
    """Two frames, or one photograph."""
    feed(sink, frames(1, still=True) if path.suffix in PICTURES else frames(2))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_output_of_no_known_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"ends in \.jsonl, \.csv, .*, found 'a\.x'; rename"):
        find_adapter(Path("a.x"))
    assert find_adapter(Path("A.JSONL")) is ADAPTERS[".jsonl"]


@SUFFIXES
def test_a_path_that_cannot_be_written_is_refused_before_the_first_frame(
    tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    for path, found in (
        (file / f"a{suffix}", "Not a directory"),
        (file / "none" / f"a{suffix}", "Not a directory"),
        (tmp_path / f"{'n' * 241}{suffix}", "File name too long"),
    ):
        for attempt in (sink_for(path).__enter__, lambda p=path: find_adapter(p).check(p)):
            with pytest.raises(TargetError, match=f"expected a file .*, found: {found}; choose"):
                attempt()
    assert names(tmp_path) == {"file"}, "nothing is left of the trial"


@SUFFIXES
def test_missing_folders_are_made_with_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "a" / "b" / f"c{suffix}"
    find_adapter(path).check(path)
    with sink_for(path) as sink:
        assert not names(tmp_path)
        write(sink, path)
    assert names(path.parent) == {path.name}


def test_a_file_is_not_written_in_the_place_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"found: a folder, a pipe or a device of that name"):
        output.check(tmp_path)


@pytest.mark.skipif(not Path("/proc").exists(), reason="no such file system")
def test_a_folder_is_tried_not_only_asked() -> None:
    """/proc says that root may write there, and takes no file."""
    with pytest.raises(TargetError):
        output.check(Path("/proc/a.csv"))


@SUFFIXES
def test_the_longest_name_leaves_room_for_the_names_beside_it(tmp_path: Path, suffix: str) -> None:
    longest = tmp_path / f"{'n' * (240 - len(suffix))}{suffix}"
    for _ in range(2):
        with sink_for(longest) as sink:
            write(sink, longest)
    assert len(names(tmp_path)) == 2, "the second one numbered the first"


@pytest.mark.parametrize("suffix", [each for each in ADAPTERS if each not in LINES])
def test_a_pipe_or_a_device_takes_nothing_but_lines(tmp_path: Path, suffix: str) -> None:
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"device{suffix}"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that a failure does not hang
    device.symlink_to("/dev/null")
    for path in (pipe, device):
        with pytest.raises(TargetError, match="found: a folder, a pipe or a device of that name"):
            sink_for(path).__enter__()
    os.close(reader)
    assert names(tmp_path) == {pipe.name, device.name}


def test_a_full_disk_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    disk = SimpleNamespace(total=10**9, free=1000)
    with pytest.raises(SinkError, match="no room on the disk; make room") as error:
        output.check(tmp_path / "a.csv", lambda folder: disk)
    assert error.value.exit_code == 1, "a service tries again"
    output.check(tmp_path / "a.csv", lambda folder: SimpleNamespace(total=0, free=0))


@KEPT_OPEN
def test_an_output_belongs_to_one_run_at_a_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with sink_for(path) as first:
        feed(first, frames(20))
        with pytest.raises(SinkError, match="another run writes it; end that one"):
            sink_for(path).__enter__()
        feed(first, frames(2))
    with sink_for(path) as second:
        write(second, path)
    assert names(tmp_path) == {path.name, f"a.part00001{suffix}"}


@KEPT_OPEN
def test_of_two_runs_that_start_together_the_second_writes_nothing(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    with sink_for(path) as first, sink_for(path) as second:
        feed(first, frames(20))
        with pytest.raises(SinkError, match="another run writes it"):
            feed(second, frames(20))
    assert names(tmp_path) == {path.name}


@SUFFIXES
def test_what_a_user_had_is_renamed_not_overwritten(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for name in (path.name, f"a.part00004{suffix}", f"a.2024{suffix}", f"b.9{suffix}"):
        (tmp_path / name).write_text(f"{name}, precious")
    with sink_for(path) as sink:
        write(sink, path)
    assert (tmp_path / f"a.part00005{suffix}").read_text() == f"{path.name}, precious"
    assert (tmp_path / f"a.part00004{suffix}").read_text() == f"a.part00004{suffix}, precious"
    assert b"precious" not in path.read_bytes()
    assert len(names(tmp_path)) == 5


@SUFFIXES
def test_an_empty_file_and_a_dangling_link_are_no_hindrance(tmp_path: Path, suffix: str) -> None:
    path, link = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    path.touch()
    link.symlink_to(tmp_path / "gone")
    for target in (path, link):
        with sink_for(target) as sink:
            write(sink, target)
        assert target.stat().st_size
    assert names(tmp_path) == {path.name, link.name, f"b.part00001{suffix}"}


@SUFFIXES
def test_a_limit_deletes_none_of_the_users_own_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    own = [f"a.{name}{suffix}" for name in ("20250101", "00001", "part1", "part0001x")]
    ours = [f"a.part{number}{suffix}" for number in ("00001", "00002", "100000")]
    for name in (path.name, *own, *ours):
        (tmp_path / name).write_text("precious")
    with sink_for(path, Recording(keep=1)) as sink:
        write(sink, path)
    assert names(tmp_path) == {*own, path.name, f"a.part100001{suffix}"}


@SUFFIXES
def test_a_run_without_a_frame_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    with sink_for(tmp_path / f"a{suffix}"):
        assert not names(tmp_path)
    assert not names(tmp_path)
    (tmp_path / f"b{suffix}").write_text("precious")
    with sink_for(tmp_path / f"b{suffix}"):
        pass
    assert (tmp_path / f"b{suffix}").read_text() == "precious"
    assert len(names(tmp_path)) == 1
