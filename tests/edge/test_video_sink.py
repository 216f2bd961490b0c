"""Annotated video: every frame at its time, and files that are whole or not there."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EdgeError, SinkError
from edge.files import free_bytes, number_of, numbered
from edge.frames import Frame
from edge.sinks.video import VideoPieces, VideoSink, fit
from edge.sinks.wrappers import Guarded
from tests.edge.fakes import feed, frames, image, levels, outage, result


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_a_video_is_written_frame_by_frame(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    given = [Frame(image(value=20 * n), n, 5 + n / 25) for n in range(10)]
    with VideoSink(path, lambda: 25.0) as sink:
        feed(sink, given)
        assert not path.exists()
    np.testing.assert_allclose(levels(path), 20 * np.arange(10), atol=4)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25, abs=0.01)
    assert list(tmp_path.iterdir()) == [path]


def test_a_video_plays_at_the_speed_of_the_capture_times(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    times = (0.0, 0.1, 0.4, 0.41, 0.5)
    with VideoSink(path, lambda: 10.0) as sink:
        feed(sink, [Frame(image(value=50 * n), n, at) for n, at in enumerate(times)])
    np.testing.assert_allclose(levels(path), [0, 50, 50, 50, 100, 200], atol=4)


def test_a_gap_shows_the_picture_before_it_until_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    shown = ((0.0, 0), (0.1, 0), (0.2, 0), (0.21, 50), (1.7, 200), (1.8, 200))
    with VideoSink(path, lambda: 10.0) as sink:
        feed(sink, [Frame(image(value=value), n, at) for n, (at, value) in enumerate(shown)])
    expected = [0] * 3 + [50] * 14 + [200] * 2
    np.testing.assert_allclose(levels(path), expected, atol=4, err_msg="the newest, though skipped")


def test_after_an_outage_the_picture_comes_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with VideoSink(path, lambda: 10.0) as sink:
        feed(sink, [Frame(image(value=100), 0, 0.0), Frame(image(value=0), 1, 0.3)])
        sink.lost(outage(at=60.0))
        feed(sink, [Frame(image(value=200), 2, 60.3)])
    np.testing.assert_allclose(levels(path), [100] * 3 + [0] + [0] * 2 + [200], atol=4)


def test_frames_of_another_size_are_fitted(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with VideoSink(path, lambda: 1.0) as sink:
        feed(sink, [Frame(image(64, 48), 0, 0.0), Frame(image(48, 64, 200), 1, 1.0)])
    assert len(levels(path)) == 2


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (128, 96), (1000, 10), (1, 1)])
def test_fitting_keeps_the_shape_of_the_picture(size: tuple[int, int]) -> None:
    fitted = fit(image(*size, value=200), (64, 48))
    assert fitted.shape == (48, 64, 3)
    bright = fitted[..., 0] > 100
    width, height = bright.any(axis=0).sum(), bright.any(axis=1).sum()
    assert width == 64 or height == 48
    assert abs(width - height * size[0] / size[1]) <= 1 + size[0] / size[1]


def test_a_camera_that_slept_does_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with VideoSink(path, lambda: 10.0) as sink:
        feed(sink, [Frame(image(), 0, 0.0), Frame(image(), 1, 3600.0), Frame(image(), 2, 3600.1)])
    assert len(levels(path)) < 400


class FillingDisk:
    """Has room for ``seconds`` looks, one a second."""

    def __init__(self, seconds: int) -> None:
        self.left = seconds

    def free(self, folder: Path) -> float:
        self.left -= 1
        return 1e9 if self.left >= 0 else 1e6


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_a_video_is_finished_before_the_disk_is_full(tmp_path: Path, suffix: str) -> None:
    path, problems = tmp_path / f"a{suffix}", list[EdgeError]()
    path.write_text("old")
    disk = FillingDisk(5)
    with Guarded(VideoSink(path, lambda: 10.0, free=disk.free), problems.append) as sink:
        feed(sink, [Frame(image(value=2 * n), n, n / 10) for n in range(100)])
        assert len(levels(path)) == 30, "at once, and whole"
    assert [str(problem) for problem in problems] == [
        f"{path}: expected 16.1 MB of room for more video, found 1.0 MB; what is recorded is "
        "kept, make room for the next one"
    ]
    assert disk.left == -1, "nobody asks any more"
    assert set(tmp_path.iterdir()) == {path, numbered(path, 1)}


@pytest.mark.parametrize("pieces", [False, True])
def test_a_disk_that_is_full_at_the_start_leaves_no_file(tmp_path: Path, pieces: bool) -> None:
    path, problems = tmp_path / "a.avi", list[EdgeError]()
    begin = partial(VideoSink, path, lambda: 10.0, free=FillingDisk(0).free)
    with Guarded(VideoPieces(begin, 1e6) if pieces else begin(), problems.append) as sink:
        feed(sink, frames(20))
    assert [str(problem) for problem in problems] == [
        f"{path}: expected 16 MB of room to begin a video, found 1.0 MB; make room, or choose "
        "another place"
    ]
    assert not list(tmp_path.iterdir())


def test_a_long_recording_leaves_more_room_for_its_index(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    sink = VideoSink(path, lambda: 10.0, free=lambda _: 16e6 + 1000)
    with pytest.raises(SinkError, match=r"expected 16\.1 MB .*, found 16\.0 MB"), sink:
        feed(sink, [Frame(image(), n, n / 10) for n in range(100)])
    assert len(levels(path)) == 40, "32 bytes each"


def test_a_disk_that_does_not_say_how_full_it_is_has_room(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) < math.inf
    if Path("/proc").exists():
        assert free_bytes(Path("/proc")) == math.inf


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from edge.frames import Frame
from edge.sinks.video import VideoSink
from tests.edge.fakes import feed
noise = np.random.default_rng(0).integers(0, 99, (240, 320, 3)).astype(np.uint8)
first, count, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
sink = VideoSink(path, lambda: 25.0).__enter__()
feed(sink, [Frame(noise + np.uint8(first), n, n / 25) for n in range(count)])
os.kill(os.getpid(), 9)
"""


def kill_a_run(path: Path, repository: Path, first: int = 0, count: int = 200) -> None:
    run = [sys.executable, "-c", KILLED, str(first), str(count), str(path)]
    assert subprocess.run(run, cwd=repository, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_what_a_kill_left_is_kept_if_it_can_be_played(
    tmp_path: Path, repository: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    kill_a_run(path, repository)
    kill_a_run(path, repository, first=100)
    with VideoSink(path, lambda: 30.0) as sink:
        feed(sink, frames(5))
    assert len(levels(path)) == 5
    assert numbered(path, 1).read_text() == "old"
    if suffix == ".mp4":  # its index is missing
        assert len(list(tmp_path.iterdir())) == 2
        return
    seen = [levels(numbered(path, number)) for number in (2, 3)]
    for found, first in zip(seen, (0, 100), strict=True):
        assert len(found) > 100
        np.testing.assert_allclose(found, first + 49, atol=4)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_a_kill_left_is_kept_where_another_program_has_its_number(
    tmp_path: Path, repository: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    kill_a_run(path, repository)
    (left,) = tmp_path.glob(".*.part*")
    left.rename(tmp_path / f".a.{os.getppid()}.part{suffix}")
    with VideoSink(path, lambda: 30.0) as sink:
        feed(sink, frames(5))
    assert len(levels(path)) == 5
    found = [numbered(path, 1), path] if suffix == ".mkv" else [path]
    assert sorted(tmp_path.iterdir()) == sorted(found)


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_what_a_kill_left_before_the_first_picture_goes(
    tmp_path: Path, repository: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    kill_a_run(path, repository, count=0)
    assert len(list(tmp_path.iterdir())) == 2, "a part and a claim"
    with VideoSink(path, lambda: 25.0):
        pass
    assert not list(tmp_path.iterdir())


def test_a_limit_counts_what_a_kill_left(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "a.mkv"
    for number in (1, 2):
        numbered(path, number).write_text("old")
    kill_a_run(path, repository)
    with VideoSink(path, lambda: 25.0, keep=1) as sink:
        feed(sink, frames(5))
    assert len(levels(numbered(path, 3))) > 100
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("count", [0, 3])
def test_a_failed_run_keeps_what_it_recorded_and_the_old_file(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")

    def fail() -> None:
        with VideoSink(path, lambda: 30.0) as sink:
            feed(sink, frames(count))
            raise RuntimeError("elsewhere")

    with pytest.raises(RuntimeError, match="elsewhere"):
        fail()
    old = numbered(path, 1) if count else path
    assert old.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == (2 if count else 1)
    if count:
        assert len(levels(path)) == count


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize("keep", [0, 1])
def test_a_full_video_is_finished_and_the_next_one_begins(
    tmp_path: Path, suffix: str, keep: int
) -> None:
    noise = np.random.default_rng(0).integers(0, 99, (40, 240, 320, 3)).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    pictures = [noise[n] + np.uint8(4 * n) for n in range(40)]
    with VideoPieces(partial(VideoSink, path, lambda: 25.0, keep), 200_000) as sink:
        for n, picture in enumerate(pictures):
            sink.write(Frame(picture, n, 5 + n / 25), result(n))
            if n % 10 == 9:
                there = [other for other in tmp_path.iterdir() if not other.name.startswith(".")]
                assert all(levels(other) for other in there), "each that is there can be played"
    numbers = [number_of(other, path) or 0 for other in tmp_path.glob(f"a.*{suffix}")]
    assert len(numbers) == (keep or max(numbers))
    assert max(numbers) >= 2
    ordered = [numbered(path, number) for number in sorted(numbers)] + [path]
    seen = np.concatenate([levels(other) for other in ordered])
    np.testing.assert_allclose(seen, [p.mean() for p in pictures[-len(seen) :]], atol=4)
    assert keep or len(seen) == len(pictures)
    assert all(other.stat().st_size < 600_000 for other in ordered)
