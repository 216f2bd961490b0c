"""Files that are whole or not there, and sinks that leave each other alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EdgeError, SinkError, TargetError
from edge.files import number_of
from edge.frames import Frame, FrameResult, Image, Sink, Track
from edge.loop import Stop
from edge.settings import Recording
from edge.sinks import open_sinks
from edge.sinks.status import StatusLine
from edge.sinks.target import check_target
from edge.sinks.video import LARGEST
from edge.sinks.wrappers import Annotated
from tests.edge.fakes import (
    LABELS,
    RecordingSink,
    feed,
    frames,
    image,
    levels,
    result,
    row,
    square,
)

# Files


def sink_for(path: Path, recording: Recording | None = None) -> Sink:
    [sink] = open_sinks([path], None, LABELS, lambda: 25.0, lambda: "", pytest.fail, recording)
    return sink


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_path_that_cannot_be_written_is_refused_before_the_first_frame(
    tmp_path: Path, suffix: str
) -> None:
    for path in (tmp_path / "none" / f"a{suffix}", tmp_path / f"folder{suffix}"):
        (tmp_path / f"folder{suffix}").mkdir(exist_ok=True)
        with pytest.raises(SinkError, match=f"a?{suffix}: expected a file"):
            sink_for(path).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("file", "no such folder"),
        ("folder.csv/none", "no such folder"),
        ("long" * 99, "(that its name is too long|no such folder)"),
        pytest.param(
            "/proc", ".+", marks=pytest.mark.skipif(not Path("/proc").exists(), reason="")
        ),
    ],
)
def test_a_folder_is_tried_not_only_asked(tmp_path: Path, folder: str, found: str) -> None:
    """/proc says that root may write there, and takes no file."""
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=rf"a\.csv: expected a file .*, found {found}.*; choose"):
        check_target(tmp_path / folder / "a.csv")
    check_target(tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing is left of the trial"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_name_leaves_room_for_the_names_beside_it(tmp_path: Path, suffix: str) -> None:
    """The system takes 255 letters, and a lock, a number and a temporary file need some more."""
    with pytest.raises(TargetError, match=r"its name is too long.*; choose a shorter one"):
        sink_for(tmp_path / f"{'n' * 241}{suffix}").__enter__()
    longest = tmp_path / f"{'n' * (241 - len(suffix))}{suffix}"
    for _ in range(2):
        with sink_for(longest) as sink:
            feed(sink, frames(2))
    assert len(list(tmp_path.iterdir())) == 2, "the second one numbered the first"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_pipe_or_a_device_is_no_place_for_an_output(tmp_path: Path, suffix: str) -> None:
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"device{suffix}"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that a failure doesn't hang
    device.symlink_to("/dev/null")
    for path in (pipe, device):
        with pytest.raises(TargetError, match="found a pipe or a device of that name; choose"):
            sink_for(path).__enter__()
    os.close(reader)
    assert {path.name for path in tmp_path.iterdir()} == {pipe.name, device.name}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_an_output_belongs_to_one_run_at_a_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with sink_for(path) as first:
        with pytest.raises(SinkError, match="another run writes it; end that one"):
            sink_for(path).__enter__()
        feed(first, frames(2))
    with sink_for(path) as second:
        feed(second, frames(2))
    assert {other.name for other in tmp_path.iterdir()} == {f"a{suffix}", f"a.part00001{suffix}"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_what_a_user_had_is_renamed_not_overwritten(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for name in (path.name, f"a.part00004{suffix}", f"a.2024{suffix}", f"b.9{suffix}"):
        (tmp_path / name).write_text(f"{name}, precious")
    with sink_for(path) as sink:
        feed(sink, frames(2))
    assert (tmp_path / f"a.part00005{suffix}").read_text() == f"{path.name}, precious"
    assert (tmp_path / f"a.part00004{suffix}").read_text() == f"a.part00004{suffix}, precious"
    assert b"precious" not in path.read_bytes()
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_limit_deletes_none_of_the_users_own_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    own = [f"a.{name}{suffix}" for name in ("20250101", "00001", "part1", "part0001x")]
    ours = [f"a.part{number}{suffix}" for number in ("00001", "00002", "100000")]
    for name in (path.name, *own, *ours):
        (tmp_path / name).write_text("precious")
    with sink_for(path, Recording(keep=1)) as sink:
        feed(sink, frames(2))
    left = {other.name for other in tmp_path.iterdir()}
    assert left == {*own, path.name, f"a.part100001{suffix}"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_run_without_a_frame_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    with sink_for(tmp_path / f"a{suffix}"):
        pass
    assert not list(tmp_path.iterdir())


_FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from edge.frames import Frame, FrameResult
from edge.sinks import open_sinks
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
noise = np.random.default_rng(0).integers(0, 255, (100, 60, 80, 3)).astype(np.uint8)
paths = [Path(sys.argv[1])]
[sink] = open_sinks(paths, None, ("a", "b"), lambda: 30.0, lambda: "", lambda e: print(e))
with sink:
    for n in range(1000):
        sink.write(Frame(noise[n % 100], n, n / 30), FrameResult(n, n / 30, [], {"detect": 1.0}))
"""


_QUOTA = _FULL_DISK.replace("range(1000)", "range(30_000)").replace("print(e)", "print(n, e)")


def test_a_video_that_takes_no_more_is_noticed_before_the_end(
    tmp_path: Path, repository: Path
) -> None:
    """As with a quota, of which the disk's free space knows nothing."""
    path = tmp_path / "a.mkv"
    ended = subprocess.run(
        [sys.executable, "-c", _QUOTA, str(path)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    number, _, message = ended.stdout.partition(" ")
    assert 20_000 < int(number) < 22_000
    assert message.startswith(f"{path}: expected")
    assert message.count("\n") == 1


def test_a_video_goes_on_in_a_new_file_before_a_file_system_takes_no_more(tmp_path: Path) -> None:
    [sink] = open_sinks([tmp_path / "a.mp4"], None, LABELS, lambda: 25.0, lambda: "", pytest.fail)
    assert 3e9 < LARGEST < 2**32 - 2e8
    with sink:
        feed(sink, frames(1))
        [part] = tmp_path.glob(".a.*.part.mp4")
        os.truncate(part, int(LARGEST))  # takes no room: it is a hole
        feed(sink, [Frame(image(), n, 200 + n / 25) for n in range(3)])
        assert (tmp_path / "a.mp4").exists()
    assert len(levels(tmp_path / "a.mp4")) == 3


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".jsonl", ".csv"])
def test_a_full_disk_is_reported_once_and_leaves_nothing_broken(
    tmp_path: Path, suffix: str, repository: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    ended = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert ended.stdout.startswith(f"{path}: expected")
    assert ended.stdout.count("\n") == 1
    if suffix == ".mp4":  # what can't be played without its end is not kept
        assert not list(tmp_path.iterdir())
        return
    assert list(tmp_path.iterdir()) == [path]
    if suffix in (".avi", ".mkv"):
        assert 0 < len(levels(path)) < 100
        return
    assert 59_000 < path.stat().st_size <= 60_000
    assert path.read_bytes().endswith(b"\n"), "no half line"


# The window (no display here: what is tested is that none is opened)


def test_views_share_one_annotated_picture() -> None:
    drawn: list[int] = []

    def draw(picture: Image, result: FrameResult) -> Image:
        drawn.append(result.index)
        return picture + np.uint8(7)

    views = [RecordingSink(), RecordingSink()]
    with Annotated(views, draw) as sink:
        feed(sink, frames(2))
    assert drawn == [0, 1]
    for view in views:
        assert [int(frame.image.max()) for frame in view.frames] == [7, 8]
        assert view.closed_with == [None]


def test_outputs_become_sinks(tmp_path: Path) -> None:
    outputs = [tmp_path / "a.jsonl", tmp_path / "a.avi", tmp_path / "a.CSV"]
    problems: list[EdgeError] = []
    sinks = open_sinks(outputs, None, LABELS, lambda: 30.0, lambda: "30 FPS", problems.append)
    assert open_sinks([], None, LABELS, lambda: 30.0, lambda: "", problems.append) == []
    for sink in sinks:
        with sink:
            feed(sink, [Frame(image(320, 240, 90), n, n / 30) for n in range(5)], tracks=2)
    assert len(outputs[0].read_text().splitlines()) == 5
    assert cv2.VideoCapture(str(outputs[1])).get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert len(outputs[2].read_text().splitlines()) == 1 + 2 * 5
    assert problems == []


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".avi"])
def test_every_output_rotates_where_a_size_is_given(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    with sink_for(tmp_path / f"a{suffix}", Recording(rotate_mb=1e-6, keep=1)) as sink:
        feed(sink, [Frame(noise, n, n / 30) for n in range(12)])
    newest, older = sorted(path.name for path in tmp_path.iterdir())
    assert newest == f"a{suffix}"
    assert (number_of(tmp_path / older, tmp_path / newest) or 0) > 2


def test_a_status_line_comes_at_the_first_frame_and_then_every_second() -> None:
    said: list[str] = []
    now = iter([0.0, 0.5, 0.99, 1.0, 1.5, 2.2])
    speed = "30 FPS"
    with StatusLine(LABELS, lambda: speed, said.append, Stop().set, lambda: next(now)) as sink:
        feed(sink, frames(5))
        feed(sink, frames(1), tracks=0)
    assert said == [
        "frame 0 · 30 FPS · #1 happy 80%",
        "frame 3 · 30 FPS · #1 happy 80%",
        "frame 0 · 30 FPS · no face",
    ]


def test_a_status_line_gives_each_label_with_its_own_probability() -> None:
    said: list[str] = []
    late, unsure = (
        Track(number, square(10, 20, 10), label, row(0.1, 0.5, 0.4), 1.0)
        for number, label in ((1, "sad"), (2, "uncertain"))
    )
    StatusLine(LABELS, lambda: "30 FPS", said.append, Stop().set).write(
        frames(1)[0], result(0, [late, unsure])
    )
    assert said == ["frame 0 · 30 FPS · #1 sad 40%, #2 uncertain 50%"]
