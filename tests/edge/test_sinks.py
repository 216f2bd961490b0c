"""Files that are whole or not there, and sinks that leave each other alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import EdgeError, SinkError
from edge.frames import Frame, FrameResult, Image
from edge.loop import Stop
from edge.sinks import open_sinks
from edge.sinks.jsonl import JsonLinesSink
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

# JSON lines


def test_json_lines_say_everything_of_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    now, wall = time.monotonic(), time.time()
    with JsonLinesSink(path, LABELS) as sink:
        sink.write(frames(1)[0], result(0, [track(square(10, 20, 8))], now))
        sink.write(frames(2)[1], result(1, [], now + 0.04))
        assert not path.exists(), "the file appears when it is whole"
    first, second = map(json.loads, path.read_text().splitlines())
    assert first["frame"] == 0
    assert first["monotonic_s"] == pytest.approx(now, abs=1e-5)
    captured = datetime.fromisoformat(first["captured_at"])
    assert captured.timestamp() == pytest.approx(wall, abs=0.5)
    assert first["tracks"] == [
        {
            "id": 1,
            "box": [6.0, 16.0, 14.0, 24.0],
            "label": "happy",
            "probabilities": {"angry": 0.1, "happy": 0.8, "sad": 0.1},
        }
    ]
    assert first["stage_ms"] == {"detect": 2.0, "crop": 0.5, "classify": 0.4, "track": 0.1}
    assert (second["frame"], second["tracks"]) == (1, [])
    assert list(tmp_path.iterdir()) == [path]


def test_json_lines_of_a_failed_run_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")

    def fail() -> None:
        with JsonLinesSink(path, LABELS) as sink:
            feed(sink, frames(3))
            raise SinkError("elsewhere")

    with pytest.raises(SinkError, match="elsewhere"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".jsonl", ".mp4"])
def test_a_path_that_cannot_be_written_is_refused_before_the_first_frame(
    tmp_path: Path, suffix: str
) -> None:
    for path in (tmp_path / "none" / f"a{suffix}", tmp_path / f"folder{suffix}"):
        sink = JsonLinesSink(path, LABELS) if suffix == ".jsonl" else VideoSink(path, lambda: 30)
        (tmp_path / f"folder{suffix}").mkdir(exist_ok=True)
        with pytest.raises(SinkError, match=f"a?{suffix}: expected a file"):
            sink.__enter__()
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


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


def test_a_video_without_a_frame_is_not_left_behind(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "a.mp4", lambda: 30.0):
        pass
    assert not list(tmp_path.iterdir())


def test_a_camera_that_slept_does_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with VideoSink(path, lambda: 10.0) as sink:
        feed(sink, [Frame(image(), 0, 0.0), Frame(image(), 1, 3600.0), Frame(image(), 2, 3600.1)])
    assert len(levels(path)) < 400


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
    for n in range(1000 if paths[0].suffix == ".jsonl" else 10):
        sink.write(Frame(noise, n, n / 30), FrameResult(n, n / 30, [], {"detect": 1.0}))
"""


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".jsonl"])
def test_a_full_disk_is_reported_once_and_leaves_nothing(
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
    assert not list(tmp_path.iterdir())


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
    outputs = [tmp_path / "a.jsonl", tmp_path / "a.avi"]
    problems: list[EdgeError] = []
    sinks = open_sinks(outputs, None, LABELS, lambda: 30.0, lambda: "30 FPS", problems.append)
    assert open_sinks([], None, LABELS, lambda: 30.0, lambda: "", problems.append) == []
    for sink in sinks:
        with sink:
            feed(sink, [Frame(image(320, 240, 90), n, n / 30) for n in range(5)], tracks=2)
    assert len(outputs[0].read_text().splitlines()) == 5
    assert len(levels(outputs[1])) == 5
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
