"""Who is who over time, and labels that change when the face does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.frames import Box, Floats, Track
from edge.settings import Tracking
from edge.tracking import UNCERTAIN, Tracker, match
from tests.edge.fakes import LABELS, face, row, square

HAPPY, SAD = row(0.1, 0.8, 0.1), row(0.1, 0.1, 0.8)


def tracker(settings: Tracking | None = None, uncertain_below: float = 0.0) -> Tracker:
    return Tracker(LABELS, uncertain_below, settings)


def see(tracker: Tracker, boxes: Sequence[Box], at: float, values: Floats = HAPPY) -> list[Track]:
    return tracker.update(
        [face(box) for box in boxes], np.tile(values, (len(boxes), 1)).astype(np.float32), at
    )


def test_a_moving_face_keeps_its_identity_and_grows_older() -> None:
    subject = tracker()
    seen = [see(subject, [square(100 + 5 * n, 80, 60)], n / 30)[0] for n in range(30)]
    assert {track.id for track in seen} == {1}
    assert seen[-1].age == pytest.approx(29 / 30)


def test_a_short_miss_is_bridged_and_nothing_is_shown_meanwhile() -> None:
    subject = tracker()
    first = see(subject, [square(100, 80, 60)], 0.0)[0]
    assert see(subject, [], 0.2) == []
    again = see(subject, [square(104, 80, 60)], 0.4)[0]
    assert (again.id, again.age) == (first.id, pytest.approx(0.4))


def test_a_face_that_was_away_for_long_is_a_new_one() -> None:
    subject = tracker()
    see(subject, [square(100, 80, 60)], 0.0)
    assert see(subject, [square(100, 80, 60)], 0.6)[0].id == 2


def test_faces_that_pass_each_other_keep_their_identities() -> None:
    subject = tracker()
    ids = []
    for n in range(40):
        left, right = square(100 + 6 * n, 100, 60), square(340 - 6 * n, 112, 60)
        order = [left, right] if n % 2 else [right, left]
        tracks = see(subject, order, n / 30)
        ids.append(tuple(t.id for t in (tracks if n % 2 else reversed(tracks))))
    assert set(ids) == {ids[0]}


def test_tracks_come_in_the_order_of_the_faces() -> None:
    subject = tracker()
    boxes = [square(50, 50, 40), square(150, 50, 40), square(250, 50, 40)]
    see(subject, boxes, 0.0)
    tracks = see(subject, boxes[::-1], 0.03)
    assert [track.box for track in tracks] == boxes[::-1]
    assert [track.id for track in tracks] == [3, 2, 1]


def test_smoothing_means_the_same_at_every_frame_rate() -> None:
    def after(fps: int) -> Floats:
        subject = tracker()
        box = [square(100, 80, 60)]
        see(subject, box, 0.0, HAPPY)
        return [see(subject, box, n / fps, SAD) for n in range(1, fps + 1)][-1][0].probabilities

    np.testing.assert_allclose(after(8), after(60), atol=1e-3)


def test_no_smoothing_gives_the_raw_probabilities() -> None:
    subject = tracker(Tracking(smoothing=0))
    box = [square(100, 80, 60)]
    see(subject, box, 0.0, HAPPY)
    np.testing.assert_allclose(see(subject, box, 0.01, SAD)[0].probabilities, SAD)


def noisy_sequence(fps: int, seconds: int) -> Floats:
    """A minute of a face that is now and then sad, seen through heavy noise."""
    rng = np.random.default_rng(7)
    count = fps * seconds
    truth = np.where((np.arange(count) // (10 * fps)) % 2, 2, 1)
    base = np.full((count, 3), 0.25)
    base[np.arange(count), truth] = 0.5
    logits = np.log(base) + rng.normal(0, 0.8, base.shape)
    values = np.exp(logits)
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)


def changes(labels: Sequence[str]) -> int:
    return sum(a != b for a, b in itertools.pairwise(labels))


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_labels_change_ten_times_less_than_raw_ones(fps: int) -> None:
    rows = noisy_sequence(fps, 60)
    subject, box = tracker(), [square(100, 80, 60)]
    shown = [see(subject, box, n / fps, values)[0].emotion for n, values in enumerate(rows)]
    raw = [LABELS[int(values.argmax())] for values in rows]
    assert changes(shown) >= 5, "the real changes show"
    assert changes(raw) >= 10 * changes(shown)


@pytest.mark.parametrize("fps", [8, 15, 30, 60])
@pytest.mark.parametrize("sure", [0.55, 0.9])
def test_a_real_change_shows_within_300_ms(fps: int, sure: float) -> None:
    rest = (1 - sure) / 2
    before, after = row(rest, sure, rest), row(rest, rest, sure)
    subject, box = tracker(uncertain_below=0.4), [square(100, 80, 60)]
    for n in range(fps):
        see(subject, box, n / fps, before)
    shown_after = next(
        n / fps for n in range(fps) if see(subject, box, 1 + n / fps, after)[0].emotion == LABELS[2]
    )
    assert shown_after <= 0.3


def test_below_the_threshold_a_face_is_uncertain_until_it_is_clearly_above() -> None:
    subject = tracker(Tracking(smoothing=0, hold=0, margin=0.1), uncertain_below=0.5)
    box = [square(100, 80, 60)]
    tops = (0.6, 0.49, 0.51, 0.59, 0.61, 0.52)
    labels = [
        see(subject, box, n / 30, row((1 - top) / 2, top, (1 - top) / 2))[0].emotion
        for n, top in enumerate(tops)
    ]
    assert labels == ["happy", UNCERTAIN, UNCERTAIN, UNCERTAIN, "happy", "happy"]


def test_a_margin_and_a_minimum_time_hold_the_label() -> None:
    subject = tracker(Tracking(smoothing=0, hold=0.2, margin=0.3))
    box = [square(100, 80, 60)]
    see(subject, box, 0.0, HAPPY)
    assert see(subject, box, 0.1, row(0.1, 0.4, 0.5))[0].emotion == "happy", "too small a lead"
    assert see(subject, box, 0.2, SAD)[0].emotion == "happy", "too early"
    assert see(subject, box, 0.3, HAPPY)[0].emotion == "happy"
    assert see(subject, box, 0.4, SAD)[0].emotion == "happy", "the clock started anew"
    assert see(subject, box, 0.65, SAD)[0].emotion == "sad"


boxes = st.lists(
    st.builds(square, st.floats(0, 640), st.floats(0, 360), st.floats(5, 200)), max_size=6
)


@given(before=boxes, now=boxes)
def test_matching_pairs_each_box_at_most_once_and_only_near_ones(
    before: list[Box], now: list[Box]
) -> None:
    pairs = match(before, now)
    assert len({n for n, _ in pairs}) == len({m for _, m in pairs}) == len(pairs)
    for n, m in pairs:
        apart = math.dist(before[n].centre, now[m].centre)
        assert apart <= min(before[n].width, now[m].width) * 1.001


@given(before=boxes)
def test_boxes_that_did_not_move_are_paired_with_themselves(before: list[Box]) -> None:
    pairs = match(before, before)
    assert len(pairs) == len(before)
    assert all(before[n] == before[m] for n, m in pairs)


@given(
    rows=st.lists(
        st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda v: row(*v)), min_size=1, max_size=20
    ),
    gap=st.floats(0, 1),
)
def test_probabilities_always_sum_to_one(rows: list[Floats], gap: float) -> None:
    subject, box = tracker(uncertain_below=0.4), [square(100, 80, 60)]
    for n, values in enumerate(rows):
        seen = see(subject, box, n * gap, values)[0]
        assert seen.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert seen.emotion in (*LABELS, UNCERTAIN)
