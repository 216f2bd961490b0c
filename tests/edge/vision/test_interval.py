"""Detection on every k-th frame: what is found between, and how the budget sets k."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.types import Box, Face, Image
from edge.vision.interval import IntervalDetector
from tests.edge.fakes import face, image, square


class Moving:
    """One face that moves by ``step`` pixels a frame and grows by ``growth``; counts its calls."""

    def __init__(self, step: float, growth: float = 0.0, gone_from: int = 1 << 30) -> None:
        self.calls: list[int] = []
        self.frame = -1
        self._step, self._growth, self._gone_from = step, growth, gone_from

    def true(self) -> Box:
        return square(100 + self._step * self.frame, 100, 60 + self._growth * self.frame)

    def find(self, image: Image, time: float) -> Sequence[Face]:
        self.calls.append(self.frame)
        return () if self.frame >= self._gone_from else [face(self.true())]


def watch(subject: IntervalDetector, detector: Moving, count: int) -> Iterator[Sequence[Face]]:
    for _ in range(count):
        detector.frame += 1
        yield subject.detect(image())


def test_it_detects_on_every_third_frame() -> None:
    detector = Moving(0)
    found = list(watch(IntervalDetector(detector.find, 3), detector, 9))
    assert detector.calls == [0, 3, 6]
    assert all(len(faces) == 1 for faces in found)


@given(step=st.floats(-4, 4), growth=st.floats(-0.2, 0.2), interval=st.integers(1, 10))
def test_a_face_at_a_steady_speed_is_where_it_is_expected(
    step: float, growth: float, interval: int
) -> None:
    detector = Moving(step, growth)
    subject = IntervalDetector(detector.find, interval)
    for (moved,) in watch(subject, detector, 100):
        left = abs(step) * interval * 0.5 ** (detector.frame // interval)
        assert abs(moved.box.centre[0] - detector.true().centre[0]) <= left + 1e-6


def test_key_points_move_along() -> None:
    detector = Moving(6)
    subject = IntervalDetector(detector.find, 2)
    *_, (moved,) = watch(subject, detector, 4)
    np.testing.assert_allclose(moved.key_points, np.tile((3.0, 0.0), (6, 1)), atol=1e-5)


def test_a_lost_face_goes_with_the_next_detection() -> None:
    detector = Moving(0, gone_from=4)
    counts = [len(faces) for faces in watch(IntervalDetector(detector.find, 3), detector, 9)]
    assert counts == [1] * 6 + [0] * 3


def test_an_empty_scene_is_not_searched_more_often() -> None:
    detector = Moving(0, gone_from=0)
    list(watch(IntervalDetector(detector.find, 4), detector, 12))
    assert detector.calls == [0, 4, 8]


def test_a_box_is_not_turned_inside_out() -> None:
    class Shrinking(Moving):
        def true(self) -> Box:
            return square(100, 100, max(200 - 20 * self.frame, 40))

    detector = Shrinking(0)
    for faces in watch(IntervalDetector(detector.find, 6), detector, 24):
        assert all(face.box.width >= 20 for face in faces)


@pytest.mark.parametrize(("fps", "interval", "expected"), [(1, 5, 10), (30, 5, 2), (10, 30, 2)])
def test_a_detection_is_never_older_than_half_a_second(
    fps: float, interval: int, expected: int
) -> None:
    detector = Moving(0)
    subject = IntervalDetector(detector.find, interval)
    for index in range(10):
        detector.frame += 1
        subject.prepare(index / fps)
        subject.detect(image())
    assert len(detector.calls) == expected


def test_a_new_source_is_detected_anew() -> None:
    detector = Moving(0)
    subject = IntervalDetector(detector.find, 5)
    list(watch(subject, detector, 2))
    subject.reset()
    list(watch(subject, detector, 1))
    assert detector.calls == [0, 2]


@pytest.mark.parametrize(
    ("detect", "others", "budget", "least", "expected"),
    [
        (40, 10, 33, 1, 2),  # 10 + 40 / 2 ≤ 33
        (40, 10, 15, 1, 8),
        (40, 10, 100, 1, 1),
        (40, 10, 100, 3, 3),  # never more often than asked for
        (40, 40, 33, 1, 30),  # out of reach: the best that can be done
    ],
)
def test_the_interval_follows_from_the_latency_budget(
    detect: float, others: float, budget: float, least: int, expected: int
) -> None:
    ticks = itertools.accumulate(itertools.cycle((0.0, detect / 1e3)))
    subject = IntervalDetector(Moving(0).find, least, budget, clock=lambda: next(ticks))
    for _ in range(5):
        subject.detect(image())
        subject.spent({"detect": 0.1, "classify": others})
    assert subject.interval == expected
