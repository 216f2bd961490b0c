"""Whole frames of the product, with the shipped model and few of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import camera, frames
from benchmarks.candidates import DEPLOYED_FILE
from benchmarks.errors import BenchmarkError
from benchmarks.frames import Scene, repeated
from edge.types import STAGES, Box, Expression, Face, FaceResult, Frame, FrameResult, Outage

IMAGES = [np.full((36, 64, 3), value, np.uint8) for value in (1, 2)]


FACE = FaceResult(
    Face(Box(0, 0, 10, 10), 0.9, np.zeros((6, 2), np.float32)),
    Expression("happy", 0.8, True, {"happy": 1.0}),
)


class FakeRecognizer:
    """Finds a face a frame, and an outage before each."""

    def __init__(self) -> None:
        self.seen: list[Frame] = []

    def follow(
        self, items: Iterable[Frame | Outage]
    ) -> Iterator[tuple[Frame, FrameResult] | Outage]:
        for frame in items:
            assert isinstance(frame, Frame)
            self.seen.append(frame)
            yield Outage("memory", frame.time, 0.1)
            stage_ms = dict.fromkeys(STAGES, 0.25)
            yield frame, FrameResult("memory", frame.index, frame.time, (FACE,), stage_ms)


def test_a_scene_times_frames_and_their_stages() -> None:
    recognizer = FakeRecognizer()
    scene = Scene(recognizer, repeated(IMAGES, live=True))
    block = scene.block(3)
    assert {name: len(own) for name, own in block.items()} == dict.fromkeys(("frame", *STAGES), 3)
    assert block["detect"] == [0.25] * 3
    assert scene.found == [1, 1, 1]
    assert [frame.image[0, 0, 0] for frame in recognizer.seen] == [1, 2, 1]
    assert [frame.index for frame in recognizer.seen] == [0, 1, 2]
    assert all(frame.live for frame in recognizer.seen)


def test_a_scene_that_ends_says_so() -> None:
    with pytest.raises(BenchmarkError, match="their end"):
        Scene(FakeRecognizer(), []).next()


def test_a_paced_camera_gives_each_image_when_it_is_due() -> None:
    now, waits = [10.0], []

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))
        now[0] += seconds

    capture = camera.PacedCapture(IMAGES, 10, lambda: now[0], sleep)
    assert capture.read()[0, 0, 0] == 1
    now[0] += 0.15  # somebody was busy: the next one is due already
    assert capture.read()[0, 0, 0] == 2
    capture.read()
    assert waits == [0.1, 0, 0.05]


@pytest.mark.slow
def test_the_product_is_measured_on_a_camera(repository: Path) -> None:
    from edge.recognizer import Recognizer

    recognizer = Recognizer(repository / DEPLOYED_FILE, workers=1)
    run = camera.PacedRun(recognizer, frames.demo_images(1, 4), 30)
    block = run.block(0.2)
    assert len(block["latency"]) == len(block["work"]) == run.frames == 6
    assert all(late > work for late, work in zip(*block.values(), strict=True))
