"""Who is who over time, and smoothed probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.settings import Tracking
from edge.types import Box, Floats
from edge.vision.tracking import Tracked, Tracker, expression, match
from tests.edge.fakes import LABELS, face, row, square

HAPPY, SAD = row(0.1, 0.8, 0.1), row(0.1, 0.1, 0.8)


def tracker(settings: Tracking | None = None, uncertain_below: float = 0.0) -> Tracker:
    return Tracker(LABELS, uncertain_below, settings)


def see(tracker: Tracker, boxes: Sequence[Box], at: float, values: Floats = HAPPY) -> list[Tracked]:
    return tracker.update(
        [face(box) for box in boxes], np.tile(values, (len(boxes), 1)).astype(np.float32), at
    )


def probabilities(tracked: Tracked) -> Floats:
    return np.array(list(tracked.smoothed.probabilities.values()), np.float32)


def test_a_moving_face_keeps_its_identity_and_grows_older() -> None:
    subject = tracker()
    seen = [see(subject, [square(100 + 5 * n, 80, 60)], n / 30)[0] for n in range(30)]
    assert {track.track_id for track in seen} == {1}
    assert seen[-1].age == pytest.approx(29 / 30)


def test_a_short_miss_is_bridged_and_nothing_is_shown_meanwhile() -> None:
    subject = tracker()
    first = see(subject, [square(100, 80, 60)], 0.0)[0]
    assert see(subject, [], 0.2) == []
    again = see(subject, [square(104, 80, 60)], 0.4)[0]
    assert (again.track_id, again.age) == (first.track_id, pytest.approx(0.4))


def test_a_face_that_was_away_for_long_is_a_new_one() -> None:
    subject = tracker()
    see(subject, [square(100, 80, 60)], 0.0)
    assert see(subject, [square(100, 80, 60)], 0.6)[0].track_id == 2


def test_faces_that_pass_each_other_keep_their_identities() -> None:
    subject = tracker()
    ids = []
    for n in range(40):
        left, right = square(100 + 6 * n, 100, 60), square(340 - 6 * n, 112, 60)
        order = [left, right] if n % 2 else [right, left]
        tracks = see(subject, order, n / 30)
        ids.append(tuple(t.track_id for t in (tracks if n % 2 else reversed(tracks))))
    assert set(ids) == {ids[0]}


def shaken(rng: np.random.Generator, x: float, y: float, side: float) -> Box:
    """A box as a detector gives it: its place and side are off by some per cent."""
    dx, dy, ds = rng.normal(0, 0.03 * side, 3)
    return square(x + dx, y + dy, side + ds)


@pytest.mark.parametrize("fps", [8, 30, 60])
def test_a_walking_face_that_is_missed_for_some_frames_keeps_its_identity(fps: int) -> None:
    """Five frames on end at 30 FPS and as long at other rates; it moves half its side meanwhile."""
    subject, rng = tracker(), np.random.default_rng(0)
    missed = max(round(5 * fps / 30), 1)
    ids = set()
    for n in range(8 * fps):
        if n % (fps // 2 + missed) < missed and n > fps:
            assert see(subject, [], n / fps) == []
            continue
        across = 400 + 300 * math.sin(0.8 * n / fps)
        ids.add(see(subject, [shaken(rng, across, 200, 90)], n / fps)[0].track_id)
    assert ids == {1}


@pytest.mark.parametrize("fps", [8, 30, 60])
@pytest.mark.parametrize("seed", range(5))
def test_faces_that_cross_one_behind_the_other_keep_their_identities(fps: int, seed: int) -> None:
    """The one behind isn't detected while the other covers a third of it."""
    subject, rng = tracker(), np.random.default_rng(seed)
    front, back = set(), set()
    for n in range(3 * fps):
        x = 200 * n / fps
        near, far = shaken(rng, 100 + x, 200, 90), shaken(rng, 700 - x, 190, 80)
        hidden = near.iou(far) > 0.3
        tracks = see(subject, [near] if hidden else [near, far], n / fps)
        front.add(tracks[0].track_id)
        back |= {track.track_id for track in tracks[1:]}
    assert (front, back) == ({1}, {2})


@pytest.mark.parametrize("seed", range(3))
def test_who_sways_on_a_seat_stays_the_same_a_second_apart(seed: int) -> None:
    subject, random = tracker(Tracking(forget=2.5)), np.random.default_rng(seed)
    places = 300 + 0.15 * 80 * random.standard_normal(100)
    assert {see(subject, [square(x, 200, 80)], n)[0].track_id for n, x in enumerate(places)} == {1}


def test_tracks_come_in_the_order_of_the_faces() -> None:
    subject = tracker()
    boxes = [square(50, 50, 40), square(150, 50, 40), square(250, 50, 40)]
    see(subject, boxes, 0.0)
    tracks = see(subject, boxes[::-1], 0.03)
    assert [track.track_id for track in tracks] == [3, 2, 1]


def test_smoothing_means_the_same_at_every_frame_rate() -> None:
    def after(fps: int) -> Floats:
        subject = tracker()
        box = [square(100, 80, 60)]
        see(subject, box, 0.0, HAPPY)
        return [probabilities(see(subject, box, n / fps, SAD)[0]) for n in range(1, fps + 1)][-1]

    np.testing.assert_allclose(after(8), after(60), atol=1e-3)


def test_no_smoothing_gives_the_raw_probabilities() -> None:
    subject = tracker(Tracking(smoothing=0))
    box = [square(100, 80, 60)]
    see(subject, box, 0.0, HAPPY)
    np.testing.assert_allclose(probabilities(see(subject, box, 0.01, SAD)[0]), SAD)


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
        smoothed = see(subject, box, n * gap, values)[0].smoothed
        assert sum(smoothed.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert smoothed.score == smoothed.probabilities[smoothed.label]


def test_a_new_source_has_new_tracks_and_numbers_go_on() -> None:
    subject, box = tracker(), [square(100, 80, 60)]
    see(subject, box, 0.0)
    subject.reset()
    assert see(subject, box, 0.0)[0].track_id == 2


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.floats(0, 1))
def test_an_expression_has_its_own_probability(values: list[float], threshold: float) -> None:
    found = expression(LABELS, row(*values), threshold)
    assert found.score == max(found.probabilities.values()) == found.probabilities[found.label]
    assert found.certain == (found.score >= threshold)


def test_a_label_that_stays_stays_certain_without_a_margin() -> None:
    subject = tracker(Tracking(smoothing=0, margin=0), uncertain_below=0.5)
    sure, less = row(0.2, 0.55, 0.25), row(0.3, 0.45, 0.25)
    seen = [see(subject, [square(100, 80, 60)], n / 30, (sure, less)[n > 3])[0] for n in range(9)]
    assert all(track.smoothed.certain for track in seen)
