"""Detection on every k-th frame: what is found between, and how the budget sets k."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detectors.every import MOST, EveryNth, Sparing
from edge.frames import Box, Face, Frame, FrameResult, Image
from tests.edge.fakes import face, frames, image, square


class Moving:
    """One face that moves by ``step`` pixels a frame and grows by ``growth``; counts its calls."""

    name = "moving"

    def __init__(self, step: float, growth: float = 0.0, gone_from: int = 1 << 30) -> None:
        self.calls: list[int] = []
        self.frame = -1
        self._step, self._growth, self._gone_from = step, growth, gone_from

    def true(self) -> Box:
        return square(100 + self._step * self.frame, 100, 60 + self._growth * self.frame)

    def detect(self, image: Image) -> Sequence[Face]:
        self.calls.append(self.frame)
        return () if self.frame >= self._gone_from else [face(self.true())]


def watch(subject: EveryNth, detector: Moving, count: int) -> Iterator[Sequence[Face]]:
    for _ in range(count):
        detector.frame += 1
        yield subject.detect(image())


def test_it_looks_at_every_third_frame() -> None:
    detector = Moving(0)
    found = list(watch(EveryNth(detector, 3), detector, 9))
    assert detector.calls == [0, 3, 6]
    assert all(len(faces) == 1 for faces in found)


@given(step=st.floats(-4, 4), growth=st.floats(-0.2, 0.2), interval=st.integers(1, 10))
def test_a_face_at_a_steady_speed_is_where_it_is_expected(
    step: float, growth: float, interval: int
) -> None:
    detector = Moving(step, growth)
    subject = EveryNth(detector, interval)
    for (moved,) in watch(subject, detector, 100):
        left = abs(step) * interval * 0.5 ** (detector.frame // interval)
        assert abs(moved.box.centre[0] - detector.true().centre[0]) <= left + 1e-6


def test_key_points_move_along() -> None:
    detector = Moving(6)
    subject = EveryNth(detector, 2)
    *_, (moved,) = watch(subject, detector, 4)
    np.testing.assert_allclose(moved.key_points, np.tile((3.0, 0.0), (6, 1)), atol=1e-5)


def test_a_lost_face_goes_with_the_next_detection() -> None:
    detector = Moving(0, gone_from=4)
    counts = [len(faces) for faces in watch(EveryNth(detector, 3), detector, 9)]
    assert counts == [1] * 6 + [0] * 3


def test_an_empty_scene_is_not_looked_at_more_often() -> None:
    detector = Moving(0, gone_from=0)
    list(watch(EveryNth(detector, 4), detector, 12))
    assert detector.calls == [0, 4, 8]


def test_a_box_is_not_turned_inside_out() -> None:
    class Shrinking(Moving):
        def true(self) -> Box:
            return square(100, 100, max(200 - 20 * self.frame, 40))

    detector = Shrinking(0)
    for faces in watch(EveryNth(detector, 6), detector, 24):
        assert all(face.box.width >= 20 for face in faces)


@pytest.mark.parametrize(("fps", "interval", "expected"), [(1, 5, 10), (30, 5, 2), (10, 30, 2)])
def test_what_was_found_is_never_older_than_half_a_second(
    fps: float, interval: int, expected: int
) -> None:
    detector = Moving(0)
    every = EveryNth(detector, interval)
    subject = Sparing(Costly(every, 1.0), every)
    for frame in frames(10, fps):
        detector.frame += 1
        subject.process(frame)
    assert len(detector.calls) == expected


class Costly:
    """A pipeline whose detector takes ``detect`` and whose other stages take ``others`` ms."""

    def __init__(self, detector: EveryNth, others: float) -> None:
        self._detector, self._others = detector, others

    def process(self, frame: Frame) -> FrameResult:
        self._detector.detect(frame.image)
        return FrameResult(frame.index, 0.0, (), {"detect": 0.1, "classify": self._others})


@pytest.mark.parametrize(
    ("detect", "others", "budget", "least", "expected"),
    [
        (40, 10, 33, 1, 2),  # 10 + 40 / 2 ≤ 33
        (40, 10, 15, 1, 8),
        (40, 10, 100, 1, 1),
        (40, 10, 100, 3, 3),  # never more often than asked for
        (40, 40, 33, 1, MOST),  # out of reach: the best that can be done
    ],
)
def test_the_interval_follows_from_the_budget(
    detect: float, others: float, budget: float, least: int, expected: int
) -> None:
    ticks = itertools.accumulate(itertools.cycle((0.0, detect / 1e3)))
    every = EveryNth(Moving(0), least, clock=lambda: next(ticks))
    subject = Sparing(Costly(every, others), every, budget)
    for frame in frames(5):
        subject.process(frame)
    assert every.interval == expected
