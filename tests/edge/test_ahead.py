"""The next frames of a file are looked at while one is in work; live frames never wait for that."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge.ahead import Ahead
from edge.errors import DetectorError, SourceLostError
from edge.frames import Box, Face, Frame, Image, Source
from edge.loop import Stop, run
from edge.pipeline import STAGES, Look, Pipeline, Sight
from edge.sources.wrappers import Announcing
from edge.tracking import Tracker
from tests.edge.fakes import (
    LABELS,
    FakeClassifier,
    FakeDetector,
    FakeSource,
    RecordingSink,
    blank_crops,
    frames,
    outage,
    square,
)


class Bright:
    """Finds a face as wide as the image is bright."""

    name = "bright"

    def detect(self, image: Image) -> Sequence[Face]:
        return FakeDetector(square(20, 20, 1 + float(image.max()))).detect(image)


class Gated(Bright):
    """Says what it begins with, and goes on when it is let; never in use twice at a time."""

    def __init__(self, begun: list[int], free: threading.Event) -> None:
        self._begun, self._free = begun, free
        self._used = threading.Lock()
        self.started = threading.Semaphore(0)

    def detect(self, image: Image) -> Sequence[Face]:
        assert self._used.acquire(blocking=False), "used twice at a time"
        self._begun.append(int(image.max()))
        self.started.release()
        assert self._free.wait(5)
        self._used.release()
        return super().detect(image)


def look(detector: Bright) -> Look:
    return Look(detector, blank_crops, FakeClassifier())


def widths(sight: Sight) -> list[float]:
    return [face.box.width for face in sight.faces]


def test_announced_images_are_begun_at_the_same_time_and_found_in_their_turn() -> None:
    begun: list[int] = []
    free = threading.Event()
    detectors = [Gated(begun, free) for _ in range(2)]
    ahead = Ahead(look(Bright()), lambda number: look(detectors[number]), 2)
    images = [frame.image for frame in frames(4)]
    for image in images:
        ahead.announce(image)
    for detector in detectors:
        assert detector.started.acquire(timeout=5)
    assert sorted(begun) == [0, 1]
    free.set()
    assert [widths(ahead(image)) for image in images] == [[1], [2], [3], [4]]
    assert sorted(begun) == [0, 1, 2, 3]


def test_an_image_that_was_not_announced_is_looked_at_when_it_comes() -> None:
    ahead = Ahead(look(Bright()), lambda _: look(Bright()), 1)
    first, second = (frame.image for frame in frames(2))
    assert widths(ahead(first)) == [1]
    ahead.announce(first)
    assert widths(ahead(second)) == [2]
    assert widths(ahead(first)) == [1]


def test_an_error_comes_with_the_image_that_it_is_of() -> None:
    class Failing(Bright):
        def detect(self, image: Image) -> Sequence[Face]:
            if image.max() == 1:
                raise DetectorError("gone")
            return super().detect(image)

    ahead = Ahead(look(Failing()), lambda _: look(Failing()), 2)
    images = [frame.image for frame in frames(3)]
    for image in images:
        ahead.announce(image)
    assert widths(ahead(images[0])) == [1]
    with pytest.raises(DetectorError, match="gone"):
        ahead(images[1])
    assert widths(ahead(images[2])) == [3]


def test_where_no_further_look_can_be_opened_one_does_it_all() -> None:
    def open_look(number: int) -> Look:
        if number:
            raise OSError("no space left on device")
        return look(Bright())

    ahead = Ahead(look(Bright()), open_look, 3)
    images = [frame.image for frame in frames(4)]
    for image in images:
        ahead.announce(image)
    assert [widths(ahead(image)) for image in images] == [[1], [2], [3], [4]]


def test_the_error_of_an_image_that_is_passed_over_is_nobody_else_s() -> None:
    class Failing(Bright):
        def detect(self, image: Image) -> Sequence[Face]:
            if image.max() == 0:
                raise DetectorError("gone")
            return super().detect(image)

    ahead = Ahead(look(Bright()), lambda _: look(Failing()), 1)
    first, second = (frame.image for frame in frames(2))
    ahead.announce(first)
    assert widths(ahead(second)) == [2]


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_frames_are_announced_before_those_before_them_are_given(depth: int) -> None:
    announced: list[int] = []
    source = Announcing(
        FakeSource(frames(4)), lambda image: announced.append(int(image.max())), depth
    )
    seen = []
    with source:
        for frame in source:
            assert isinstance(frame, Frame)
            seen.append((frame.index, len(announced)))
    assert seen == [(n, min(n + 1 + depth, 4)) for n in range(4)]
    assert announced == [0, 1, 2, 3]


def test_live_frames_and_outages_come_at_once_and_unannounced() -> None:
    live = [replace(frame, live=True) for frame in frames(2)]
    given = [live[0], outage(), live[1]]
    taken = []

    class Live(FakeSource):
        def __iter__(self):
            for frame in given:
                taken.append(frame)
                yield frame

    with Announcing(Live(given), pytest.fail, 3) as source:
        for number, frame in enumerate(source, 1):
            assert frame is given[number - 1]
            assert len(taken) == number


def test_the_last_frames_before_a_cut_are_given_before_the_error() -> None:
    with Announcing(FakeSource(frames(3), lost=True), lambda _: None, 2) as source:
        given = iter(source)
        assert [frame for frame in itertools.islice(given, 3) if isinstance(frame, Frame)]
        with pytest.raises(SourceLostError):
            next(given)


def run_over(source: Source, look: Look | Ahead) -> RecordingSink:
    sink = RecordingSink()
    run(source, Pipeline(look, Tracker(LABELS, 0.4)), [sink], Stop(), pytest.fail)
    return sink


def boxes(sink: RecordingSink) -> list[list[Box]]:
    return [[track.box for track in result.tracks] for result in sink.results]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_run_finds_the_same_with_and_without(size: int) -> None:
    ahead = Ahead(look(Bright()), lambda _: look(Bright()), size)
    found = run_over(Announcing(FakeSource(frames(30)), ahead.announce, size), ahead)
    assert boxes(found) == boxes(run_over(FakeSource(frames(30)), look(Bright())))
    assert [frame.index for frame in found.frames] == list(range(30))
    assert all(tuple(result.stage_ms) == STAGES for result in found.results)
