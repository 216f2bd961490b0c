"""Files that are whole or not there, and sinks that leave each other alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EdgeError, SinkError
from edge.frames import Frame, FrameResult, Image
from edge.loop import Stop
from edge.settings import Recording
from edge.sinks import open_sinks
from edge.sinks.status import StatusLine
from edge.sinks.video import VideoSink, fit
from edge.sinks.window import WindowSink, display_problem
from edge.sinks.wrappers import Annotated
from tests.edge.fakes import (
    LABELS,
    FakeGui,
    RecordingSink,
    feed,
    frames,
    image,
    levels,
    result,
    square,
    track,
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


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_an_output_belongs_to_one_run_at_a_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with sink_for(path) as first:
        with pytest.raises(SinkError, match="another run writes it; end that one"):
            sink_for(path).__enter__()
        feed(first, frames(2))
    with sink_for(path) as second:
        feed(second, frames(2))
    assert {other.name for other in tmp_path.iterdir()} == {f"a{suffix}", f"a.1{suffix}"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_what_a_user_had_is_renamed_not_overwritten(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for name in (path.name, f"a.4{suffix}", f"a.b{suffix}", f"b.9{suffix}"):
        (tmp_path / name).write_text(f"{name}, precious")
    with sink_for(path) as sink:
        feed(sink, frames(2))
    assert (tmp_path / f"a.5{suffix}").read_text() == f"{path.name}, precious"
    assert (tmp_path / f"a.4{suffix}").read_text() == f"a.4{suffix}, precious"
    assert b"precious" not in path.read_bytes()
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".mp4"])
def test_a_run_without_a_frame_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    with sink_for(tmp_path / f"a{suffix}"):
        pass
    assert not list(tmp_path.iterdir())


# Video


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
    np.testing.assert_allclose(levels(path), [0, 50, 100, 100, 100, 200], atol=4)


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


def test_a_video_of_a_failed_run_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")

    def fail() -> None:
        with VideoSink(path, lambda: 30.0) as sink:
            feed(sink, frames(3))
            raise SinkError("elsewhere")

    with pytest.raises(SinkError, match="elsewhere"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize("keep", [0, 1])
def test_a_full_video_is_finished_and_the_next_one_begins(
    tmp_path: Path, suffix: str, keep: int
) -> None:
    noise = np.random.default_rng(0).integers(0, 99, (40, 240, 320, 3)).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    pictures = [noise[n] + np.uint8(4 * n) for n in range(40)]
    with sink_for(path, Recording(rotate_mb=0.2, keep=keep)) as sink:
        for n, picture in enumerate(pictures):
            sink.write(Frame(picture, n, 5 + n / 25), result(n))
            if n % 10 == 9:
                there = [other for other in tmp_path.iterdir() if not other.name.startswith(".")]
                assert all(levels(other) for other in there), "each that is there can be played"
    numbers = [int(other.name.split(".")[1]) for other in tmp_path.glob(f"a.*{suffix}")]
    assert len(numbers) == (keep or max(numbers))
    assert max(numbers) >= 2
    ordered = [tmp_path / f"a.{number}{suffix}" for number in sorted(numbers)] + [path]
    seen = np.concatenate([levels(other) for other in ordered])
    np.testing.assert_allclose(seen, [p.mean() for p in pictures[-len(seen) :]], atol=4)
    assert keep or len(seen) == len(pictures)
    assert all(other.stat().st_size < 600_000 for other in ordered)


_FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from edge.frames import Frame, FrameResult
from edge.sinks import open_sinks
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
paths = [Path(sys.argv[1])]
[sink] = open_sinks(paths, None, ("a", "b"), lambda: 30.0, lambda: "", lambda e: print(e))
with sink:
    for n in range(10 if paths[0].suffix in (".mp4", ".avi") else 1000):
        sink.write(Frame(noise, n, n / 30), FrameResult(n, n / 30, [], {"detect": 1.0}))
"""


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".jsonl", ".csv"])
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
    if suffix in (".mp4", ".avi"):
        assert not list(tmp_path.iterdir())
        return
    assert list(tmp_path.iterdir()) == [path]
    assert 59_000 < path.stat().st_size <= 60_000
    assert path.read_bytes().endswith(b"\n"), "no half line"


# The window (no display here: what is tested is that none is opened)


def test_no_display_is_a_reason_not_an_abort() -> None:
    assert display_problem({}) is not None


def test_a_display_that_does_not_answer_is_a_reason_not_an_abort() -> None:
    assert display_problem({"DISPLAY": ":4711"}) is not None


def test_a_window_without_a_display_is_refused() -> None:
    if display_problem() is None:
        pytest.skip("there is a display")
    with pytest.raises(SinkError, match="window: expected a display"):
        WindowSink(lambda: None).__enter__()


@pytest.mark.parametrize(
    ("gui", "stops", "shown"),
    [
        (FakeGui(), False, 1),
        (FakeGui(ord("x")), False, 1),
        (FakeGui(ord("q")), True, 1),
        (FakeGui(27), True, 1),
        (FakeGui(closed=True), True, 0),
    ],
)
def test_q_escape_and_closing_the_window_end_the_loop(
    gui: FakeGui, stops: bool, shown: int
) -> None:
    asked: list[bool] = []
    feed(WindowSink(lambda: asked.append(True), gui=gui), frames(1))
    assert bool(asked) == stops
    assert len(gui.shown) == shown
    assert gui.size == ((64, 48) if shown else None)


# Composition


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
    assert len(levels(outputs[1])) == 5
    assert len(outputs[2].read_text().splitlines()) == 1 + 2 * 5
    assert problems == []


def test_a_status_line_comes_at_the_first_frame_and_then_every_second() -> None:
    said: list[str] = []
    now = iter([0.0, 0.5, 0.99, 1.0, 1.5, 2.2])
    with StatusLine(lambda: "30 FPS", said.append, Stop().set, lambda: next(now)) as sink:
        feed(sink, frames(5))
        feed(sink, frames(1), tracks=0)
    assert said == [
        "frame 0 · 30 FPS · #1 happy 80%",
        "frame 3 · 30 FPS · #1 happy 80%",
        "frame 0 · 30 FPS · no face",
    ]
