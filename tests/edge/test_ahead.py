"""The next frame of a file is detected while this one is in work; live frames never wait for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from edge.detectors.ahead import Ahead
from edge.errors import DetectorError, SourceLostError
from edge.frames import Box, Detector, Face, Frame, Image, Source
from edge.loop import Stop, run
from edge.pipeline import Pipeline
from edge.sources.wrappers import Announcing
from edge.tracking import Tracker
from tests.edge.fakes import (
    LABELS,
    FakeClassifier,
    FakeDetector,
    FakeSource,
    RecordingSink,
    frames,
    outage,
    square,
)


class Watched:
    """Finds a face as wide as the image is bright; says when it began, and waits to be let go."""

    name = "watched"

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.inside = 0
        self.free = threading.Event()
        self.started = threading.Semaphore(0)

    def detect(self, image: Image) -> Sequence[Face]:
        self.inside += 1
        assert self.inside == 1, "used twice at a time"
        self.begun.append(int(image.max()))
        self.started.release()
        assert self.free.wait(5)
        self.inside -= 1
        return FakeDetector(square(20, 20, 1 + float(image.max()))).detect(image)


def test_an_announced_image_is_begun_before_its_turn_and_found_in_it() -> None:
    inner = Watched()
    ahead = Ahead(inner)
    first, second = (frame.image for frame in frames(2))
    ahead.announce(first)
    assert inner.started.acquire(timeout=5)
    ahead.announce(second)
    inner.free.set()
    assert [face.box.width for face in ahead.detect(first)] == [1]
    assert inner.started.acquire(timeout=5)
    assert [face.box.width for face in ahead.detect(second)] == [2]
    assert inner.begun == [0, 1]


def test_an_image_that_was_not_announced_is_looked_at_when_it_comes() -> None:
    inner = Watched()
    inner.free.set()
    ahead = Ahead(inner)
    first, second = (frame.image for frame in frames(2))
    ahead.announce(first)
    assert [face.box.width for face in ahead.detect(second)] == [2]
    assert [face.box.width for face in ahead.detect(first)] == [1]
    assert ahead.name == "watched"


def test_an_error_comes_with_the_image_that_it_is_of() -> None:
    class Failing:
        name = "failing"

        def detect(self, image: Image) -> Sequence[Face]:
            if image.max():
                raise DetectorError("gone")
            return ()

    ahead = Ahead(Failing())
    first, second = (frame.image for frame in frames(2))
    ahead.announce(first)
    ahead.announce(second)
    assert ahead.detect(first) == ()
    with pytest.raises(DetectorError, match="gone"):
        ahead.detect(second)


def test_each_frame_is_announced_before_the_one_before_it_is_given() -> None:
    announced: list[int] = []
    source = Announcing(FakeSource(frames(3)), lambda image: announced.append(int(image.max())))
    seen = []
    with source:
        for frame in source:
            assert isinstance(frame, Frame)
            seen.append((frame.index, len(announced)))
    assert seen == [(0, 2), (1, 3), (2, 3)]
    assert announced == [0, 1, 2]


def test_live_frames_and_outages_come_at_once_and_unannounced() -> None:
    live = [replace(frame, live=True) for frame in frames(2)]
    given = [live[0], outage(), live[1]]
    taken = []

    class Live(FakeSource):
        def __iter__(self):
            for frame in given:
                taken.append(frame)
                yield frame

    with Announcing(Live(given), pytest.fail) as source:
        for number, frame in enumerate(source, 1):
            assert frame is given[number - 1]
            assert len(taken) == number


def test_the_last_frame_before_a_cut_is_given_before_the_error() -> None:
    with Announcing(FakeSource(frames(2), lost=True), lambda _: None) as source:
        given = iter(source)
        assert [
            frame.index for frame in (next(given), next(given)) if isinstance(frame, Frame)
        ] == [
            0,
            1,
        ]
        with pytest.raises(SourceLostError):
            next(given)


class Bright:
    """Finds a face as wide as the image is bright."""

    name = "bright"

    def detect(self, image: Image) -> Sequence[Face]:
        return FakeDetector(square(20, 20, 1 + float(image.max()))).detect(image)


def boxes(source: Source, detector: Detector) -> list[list[Box]]:
    """What a run over ``source`` finds."""
    pipeline = Pipeline(
        detector,
        lambda _, faces: np.zeros((len(faces), 48, 48, 1), np.uint8),
        FakeClassifier(),
        Tracker(LABELS, 0.4),
    )
    sink = RecordingSink()
    run(source, pipeline, [sink], Stop(), pytest.fail)
    return [[track.box for track in result.tracks] for result in sink.results]


def test_a_run_finds_the_same_with_and_without() -> None:
    ahead = Ahead(Bright())
    found = boxes(Announcing(FakeSource(frames(20)), ahead.announce), ahead)
    assert found == boxes(FakeSource(frames(20)), Bright())
    assert [box.width for (box,) in found] == [1 + n for n in range(20)]
