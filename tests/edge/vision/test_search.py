"""Where to look: every place at every size in a bounded time, and no face in a texture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.assets import ASSETS, ASSETS_FOLDER
from edge.protocols import Window
from edge.types import Face, Image
from edge.vision.blazeface import BlazeFace
from edge.vision.confirm import confirm
from edge.vision.pool import Pool
from edge.vision.rota import UNIT
from edge.vision.scout import Scout
from edge.vision.search import (
    FaceSearch,
    Known,
    Plan,
    SearchOptions,
    find_faces,
    own_windows,
    tiles,
)
from tests.edge.fakes import FakeDetector, face, image, square

HD = (720, 1280)


@pytest.fixture(scope="module")
def detector() -> BlazeFace:
    return BlazeFace()


def portrait(name: str, side: int) -> Image:
    """The head of a portrait, whose face has half of ``side``."""
    left, top, size = {"astronaut": (127, 33, 196), "grace hopper": (68, 48, 388)}[name]
    picture = cv2.imread(str(ASSETS_FOLDER / ASSETS[name].file_name))
    head = picture[top : top + size, left : left + size]
    return np.asarray(cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def scene(heads: Sequence[tuple[int, int, int]], size: tuple[int, int] = HD) -> Image:
    """A wall with heads at (x, y) of the given sides, smiling and serious in turn."""
    picture = np.full((*size, 3), 150, np.uint8)
    names = itertools.cycle(("astronaut", "grace hopper"))
    for (x, y, side), name in zip(heads, names, strict=False):
        picture[y : y + side, x : x + side] = portrait(name, side)
    return picture


SHAPES = st.tuples(st.integers(100, 2500), st.integers(100, 2500))


@given(SHAPES, st.floats(0.02, 0.5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_face_of_any_size_anywhere_is_whole_in_a_tile_that_shows_it_large_enough(
    size: tuple[int, int], min_face: float, x: float, y: float, larger: float
) -> None:
    height, width = size
    least = max(min_face, 26 / 2 / height)  # where the picture isn't enlarged without end
    whole = 26 / 128 * max(size)
    low = least * height
    side = low * (max(whole, low) / low) ** larger
    if side > min(size) or side >= whole:
        return
    left, top = x * (width - side), y * (height - side)
    shown = [
        window.columns / window.width * side
        for window in tiles(height, width, min_face, 26, 128)
        if window.left <= left + 1
        and window.top <= top + 1
        and left + side <= window.left + window.width + 1
        and top + side <= window.top + window.height + 1
    ]
    assert max(shown, default=0) >= 26 * 0.95


@given(SHAPES, st.floats(0.02, 1))
def test_tiles_are_small_and_inside_the_frame(size: tuple[int, int], min_face: float) -> None:
    for window in tiles(*size, min_face, 26, 128):
        assert 1 <= window.columns <= 256
        assert 1 <= window.rows <= 256
        assert window.left >= 0
        step = window.width / window.columns
        assert window.left + window.width <= size[1] + step + 1e-6
        assert window.height / window.rows == pytest.approx(step)


def test_the_cost_is_that_of_the_smallest_face_not_of_the_picture() -> None:
    def calls(size: tuple[int, int]) -> float:
        return sum(w.columns * w.rows for w in tiles(*size, 0.04, 26, 128)) / UNIT

    assert calls((2160, 3840)) == pytest.approx(calls(HD), rel=0.05)
    assert calls((20_000, 30_000)) < 120


def test_a_group_is_found_from_near_to_far(detector: BlazeFace) -> None:
    heads = [(20, 20, 400), (500, 40, 150), (700, 60, 90), (850, 90, 60), (1000, 300, 240)]
    picture = scene(heads)
    found = find_faces(detector, picture, FaceSearch(SearchOptions(), detector).full(picture))
    assert len(found) == len(heads)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for x, y, side in heads:
        place = square(x + side / 2, y + side / 2, side / 2)
        assert max(one.box.iou(place) for one in found) > 0.6


def test_with_no_smallest_face_the_whole_frame_alone_is_looked_at(detector: BlazeFace) -> None:
    picture = scene([(700, 60, 120)])
    plan = FaceSearch(SearchOptions(min_face=0), detector).full(picture)
    assert find_faces(detector, picture, plan) == detector.detect(picture) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 2), (12_000, 9)])
def test_pictures_of_any_shape_are_searched(detector: BlazeFace, shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    assert not find_faces(detector, picture, FaceSearch(SearchOptions(), detector).full(picture))


def test_textures_have_no_faces(detector: BlazeFace) -> None:
    """Leaves, bricks, text and cloth, in the sizes in which they look like anything."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (240, 320, 3), np.uint8)
    leaves = cv2.GaussianBlur(cv2.resize(noise, (960, 720)), (0, 0), 3)
    bricks = np.full((720, 960, 3), (60, 80, 150), np.uint8)
    bricks[::40] = bricks[:, ::80] = 190
    text = np.full((720, 960, 3), 240, np.uint8)
    for row in range(20, 720, 28):
        cv2.putText(text, "Lorem ipsum dolor sit amet, consectetur 0123456789", (5, row), 0, 0.9, 0)
    y, x = np.mgrid[:720, :960]
    cloth = np.repeat(((np.sin(x / 9) * np.sin(y / 7) + 1) * 127).astype(np.uint8)[..., None], 3, 2)
    for picture in (leaves, bricks, text, cloth):
        plan = FaceSearch(SearchOptions(), detector).full(picture)
        assert find_faces(detector, np.ascontiguousarray(picture), plan) == []


class Doubtful(FakeDetector):
    """Scores its face by turns."""

    def __init__(self, *scores: float) -> None:
        super().__init__(square(100, 100, 40))
        self._scores = itertools.cycle(scores)

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        score = next(self._scores)
        return [replace(one, score=score) for one in super().look(image, window, min_score)]


@pytest.mark.parametrize(
    ("scores", "looks", "found"),
    [((0.9,), 1, True), ((0.8,), 2, True), ((0.05,), 1, False), ((0.55,), 4, False)],
)
def test_a_candidate_is_looked_at_until_it_is_clear(
    scores: tuple[float, ...], looks: int, found: bool
) -> None:
    doubtful = Doubtful(*scores)
    candidate = replace(face(square(101, 99, 42)), score=scores[0] if scores[0] > 0.4 else 0.6)
    confirmed = confirm(doubtful, image(200, 200), candidate, 4.0)
    assert (confirmed is not None, len(doubtful.windows)) == (found, looks)
    if confirmed:
        assert confirmed.score == pytest.approx(scores[0], abs=0.01)
        assert confirmed.box.iou(square(100, 100, 40)) > 0.9


def test_a_known_face_has_a_window_of_its_own_the_wider_the_longer_it_was_not_seen() -> None:
    box = square(50, 60, 20)
    near, later, lost = (own_windows([Known(box, age)])[0] for age in (0.03, 0.1, 0.4))
    assert (near.columns, later.columns, lost.columns) == (96, 96, 128)
    assert near.width < later.width < lost.width
    assert near.width == near.height == pytest.approx(1.8 * 20, rel=0.1)
    assert near.left + near.width / 2 == pytest.approx(50, abs=20 / 8 + 0.1)
    assert near.top + near.height / 2 == pytest.approx(60, abs=20 / 8 + 0.1)
    many = own_windows([Known(box, 0.03)] * 10)
    assert sum(w.columns * w.rows for w in many) / UNIT <= 2.5


def test_a_box_that_trembles_is_looked_at_through_the_same_window() -> None:
    """What a window's place does to a box must not move the next window."""
    windows = {
        own_windows([Known(square(95 + shift, 95 - shift, 40 + shift), 0.03)])[0]
        for shift in (-0.4, 0.0, 0.3)
    }
    assert len(windows) == 1


def test_faces_in_nearly_equal_pictures_are_followed_alike(detector: BlazeFace) -> None:
    boxes = []
    for grey in (0, 1):
        subject, seen = FaceSearch(SearchOptions(0.04, 0.0), detector), []
        for n in range(30):
            picture = scene([(200 + 2 * n, 100, 160)])
            picture[::3, ::5] += np.uint8(grey)
            found = find_faces(detector, picture, subject.plan(picture, n / 30))
            subject.note(found, n / 30)
            seen += [one.box for one in found]
        boxes.append(seen)
    assert len(boxes[0]) == len(boxes[1]) == 30
    assert min(one.iou(other) for one, other in zip(*boxes, strict=True)) > 0.97


def frames_of(subject: FaceSearch, detector: FakeDetector, count: int) -> list[Plan]:
    plans = []
    for n in range(count):
        picture, time = image(1280, 720), n / 30
        plan = subject.plan(picture, time)
        subject.note(find_faces(detector, picture, plan), time)
        plans.append(plan)
    return plans


def test_the_rota_goes_round_within_its_budget() -> None:
    detector = FakeDetector()
    every = set(tiles(*HD, 0.04, 26, 128))
    cost = sum(w.columns * w.rows for w in every) / UNIT
    count = math.ceil(cost) + 8
    plans = frames_of(FaceSearch(SearchOptions(0.04, 2.0), detector), detector, count)
    assert set(plans[0].tiles) == every
    looked = [window for plan in plans[1:] for window in plan.tiles]
    assert set(looked) == every, "within so many frames as the tiles cost, in a still picture"
    assert sum(w.columns * w.rows for w in looked) / UNIT <= 2 * count


@pytest.mark.parametrize("budget", [2, 5, 20, 1000])
def test_the_budget_is_what_the_rota_takes(budget: float) -> None:
    detector = FakeDetector()
    cost = sum(w.columns * w.rows for w in tiles(*HD, 0.04, 26, 128)) / UNIT
    plans = frames_of(FaceSearch(SearchOptions(0.04, budget), detector), detector, 101)
    spent = [sum(w.columns * w.rows for w in plan.tiles) / UNIT for plan in plans[1:]]
    assert np.mean(spent) == pytest.approx(min(budget, cost), rel=0.05)
    assert max(spent) <= min(budget + 4, cost), "the dearest tile costs 4"


def test_a_budget_of_nothing_still_sees_near_and_known_faces() -> None:
    near = FakeDetector(square(600, 300, 300))
    plans = frames_of(FaceSearch(SearchOptions(0.04, 0.0), near), near, 10)
    assert not any(plan.tiles for plan in plans[1:])
    assert [len(plan.known) for plan in plans] == [0] + [1] * 9
    assert sum(plan.whole for plan in plans) < 5


def test_where_something_changed_is_looked_at_first() -> None:
    detector = FakeDetector()
    subject = FaceSearch(SearchOptions(), detector)
    picture = image(1280, 720)
    for n in range(200):
        subject.plan(picture, n / 30)
    changed = picture.copy()
    changed[500:560, 900:960] = 255
    plans = [subject.plan(changed, (200 + n) / 30) for n in range(5)]
    looked = [w for plan in plans for w in plan.tiles]
    middle = (930, 530)
    assert any(
        w.left < middle[0] < w.left + w.width and w.top < middle[1] < w.top + w.height
        for w in looked
    )


def test_a_face_that_is_not_seen_is_looked_for_for_half_a_second() -> None:
    detector = FakeDetector()
    subject = FaceSearch(SearchOptions(0.04, 0.0), detector)
    picture = image(640, 360)
    subject.plan(picture, 0.0)
    subject.note([face(square(100, 100, 40))], 0.0)
    assert len(subject.plan(picture, 0.4).known) == 1
    subject.note([], 0.6)
    assert subject.plan(picture, 0.61).known == ()


def test_what_is_seldom_believed_is_not_followed() -> None:
    subject = FaceSearch(SearchOptions(), FakeDetector())
    picture = image(640, 360)
    for n in range(30):
        subject.plan(picture, n / 30)
        subject.note([replace(face(square(100, 100, 40)), score=0.7 if n == 0 else 0.35)], n / 30)
    assert len(subject.plan(picture, 1.0).known) <= 1
    subject.reset()
    assert subject.plan(picture, 1.1).known == ()


def test_a_walk_from_far_to_near_and_back_is_never_lost(detector: BlazeFace) -> None:
    subject = FaceSearch(SearchOptions(), detector)
    seen = []
    for n in range(90):
        side = round(80 + 220 * math.sin(math.pi * n / 89))
        picture = scene([(200 + 8 * n, 60 + n, side)])
        plan = subject.plan(picture, n / 30)
        found = find_faces(detector, picture, plan)
        subject.note(found, n / 30)
        place = square(200 + 8 * n + side / 2, 60 + n + side / 2, side / 2)
        seen.append(any(one.box.iou(place) > 0.5 for one in found))
    gaps = [len(list(run)) for was_seen, run in itertools.groupby(seen) if not was_seen]
    assert max(gaps, default=0) <= 6, "0.2 s at 30 frames a second"
    assert sum(seen) >= 85


def eventually(scout: Scout) -> tuple[Sequence[Face], float]:
    due = monotonic() + 10
    while monotonic() < due:
        found, time = scout.report()
        if found:
            return found, time
    return (), 0.0


def test_a_scout_can_be_closed_on_its_own_thread() -> None:
    """Where Python's collector runs there, and finds a stream that somebody forgot."""
    scouts: list[Scout] = []
    closed: list[bool] = []

    class Closing(FakeDetector):
        def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
            scouts[0].close()
            closed.append(True)
            return [face(square(900, 400, 60))]

    closing = Closing()
    scouts.append(Scout(Pool(lambda: closing)))
    picture = image(1280, 720)
    scouts[0].send(picture, FaceSearch(SearchOptions(), closing).full(picture), 1.0)
    found, _ = eventually(scouts[0])
    assert closed
    assert found


def test_the_scout_looks_beside_the_loop_and_its_finds_are_looked_for_again() -> None:
    far = FakeDetector(square(900, 400, 60))
    scout = Scout(Pool(lambda: far))
    subject = FaceSearch(SearchOptions(), far)
    picture = image(1280, 720)
    assert (scout.free, scout.report()) == (True, ((), 0.0))
    scout.send(picture, subject.full(picture), 1.0)
    assert not scout.free
    found, time = eventually(scout)
    scout.close()
    assert ([one.box.iou(square(900, 400, 60)) > 0.9 for one in found], time) == ([True], 1.0)
    subject.plan(picture, 1.1)
    subject.discover(found, time)
    subject.discover(found, time)
    (known,) = subject.plan(picture, 1.1).known
    assert known.box.iou(square(900, 400, 60)) > 0.9
