"""Bars, panel and tags that stay with a face while boxes and order change from frame to frame."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from edge.types import Box
from edge.vision.placement import Area, Placement, Spot, style_for, tag_spots
from tests.edge.sinks.makers import square

STYLE = style_for(640, 360)


def noisy(rng: np.random.Generator, x: float, y: float, side: float) -> Box:
    dx, dy, ds = rng.normal(0, 0.03 * side, 3)
    return square(x + dx, y + dy, side + ds)


def shuffled(rng: np.random.Generator, boxes: Mapping[int, Box]) -> dict[int, Box]:
    return {int(n): boxes[int(n)] for n in rng.permutation(list(boxes))}


def switches(values: Sequence[object]) -> int:
    return sum(a != b for a, b in itertools.pairwise(values))


def tags(
    placement: Placement, boxes: Mapping[int, Box], taken: Sequence[Area], at: float
) -> dict[int, Spot]:
    spots = {n: tag_spots(box, ("surprise 100%", "surprise"), STYLE) for n, box in boxes.items()}
    return placement.tags(spots, taken, 2 * STYLE.pad, at)


def test_two_faces_of_about_the_same_size_do_not_take_the_bars_from_each_other() -> None:
    rng, placement = np.random.default_rng(0), Placement()
    owners, largest = [], []
    for _ in range(300):
        boxes = shuffled(rng, {n + 1: noisy(rng, 150 + 200 * n, 150, 90) for n in range(2)})
        owners.append(placement.owner(boxes))
        largest.append(max(boxes, key=lambda n: boxes[n].area))
    assert switches(largest) > 100
    assert switches(owners) == 0


def test_a_face_that_is_clearly_larger_gets_the_bars_and_one_that_goes_leaves_them() -> None:
    placement = Placement()
    first, second, near = square(100, 100, 80), square(300, 100, 90), square(300, 100, 130)
    assert placement.owner({1: first}) == 1
    assert placement.owner({2: second, 1: first}) == 1
    assert placement.owner({1: first, 2: near}) == 2
    assert placement.owner({1: first, 2: second}) == 2, "it has them now"
    assert placement.owner({1: first}) == 1


def test_the_panel_gives_way_to_faces() -> None:
    alone = Placement().panel({1: square(500, 100, 80)}, 120, 130, STYLE)
    assert (alone.left, alone.bottom) == (STYLE.pad, 360 - STYLE.pad)
    moved = Placement().panel({1: square(80, 300, 100)}, 120, 130, STYLE)
    assert moved.right == 640 - STYLE.pad


def test_the_panel_leaves_a_small_face_to_be_seen_where_it_can() -> None:
    style = style_for(320, 240)
    free = Placement().panel({1: square(55, 185, 30)}, 90, 100, style)
    assert (free.right, free.bottom) == (320 - style.pad, 240 - style.pad)
    # Most of a small face is more than a sixth of a large one, whatever has more pixels.
    crowd = dict(enumerate((square(10, 200, 20), square(270, 100, 120), square(160, 220, 20))))
    least = Placement().panel(crowd, 90, 100, style)
    assert (least.right, least.bottom) == (320 - style.pad, 240 - style.pad)


def test_the_panel_stays_until_it_covers_a_face_and_does_not_jump_back() -> None:
    placement = Placement()

    def panel(x: float) -> int:
        boxes = {1: square(x, 300, 100)}
        placement.owner(boxes)
        area = placement.panel(boxes, 120, 130, STYLE)
        tags(placement, boxes, [area], 0.0)
        return area.left

    places = [panel(x) for x in (400, 180, 90, 170, 190, 300, 400)]
    assert places[0] == places[1] == STYLE.pad
    assert places[2:5] == [640 - STYLE.pad - 120] * 3, "it has given way, and stays there"
    rng = np.random.default_rng(0)
    assert switches([panel(x) for x in 170 + rng.normal(0, 8, 100)]) == 0


def test_tags_keep_their_places_while_the_order_of_sizes_changes() -> None:
    """Five faces so near to each other that not all tags can be above theirs."""
    rng, placement = np.random.default_rng(0), Placement()
    keys: dict[int, list[tuple[int, int, int]]] = {n: [] for n in range(1, 6)}
    for frame in range(300):
        boxes = {n: noisy(rng, 110 * n - 20, 80 + 75 * ((n + 1) % 2), 60) for n in keys}
        spots = tags(placement, shuffled(rng, boxes), [Area(0, 0, 640, 40)], frame / 30)
        areas = [spot.area for spot in spots.values()]
        assert not any(a.meets(b) for a, b in itertools.combinations(areas, 2))
        for n, spot in spots.items():
            keys[n].append(spot.key)
    assert sum(map(switches, keys.values())) <= 15, "ten seconds of five faces"


def one_tag(placement: Placement, taken: Sequence[Area], at: float) -> Spot:
    return tags(placement, {1: square(300, 200, 80)}, taken, at)[1]


def test_a_tag_that_had_to_go_comes_back_once_there_has_been_room_for_a_second() -> None:
    placement = Placement()
    above = one_tag(placement, [], 0.0)
    below = one_tag(placement, [above.area], 0.1)
    assert below.area.top > 200
    assert one_tag(placement, [], 0.2).key == below.key
    near = Area(0, 0, 640, above.area.top - 1)
    assert one_tag(placement, [near], 1.2).key == below.key, "it would have to go again"
    assert one_tag(placement, [], 1.3).key == above.key


def test_another_scene_is_placed_as_if_it_were_the_first() -> None:
    placement = Placement()
    for n, x in ((1, 80), (2, 500)):
        boxes = {n: square(x, 300, 100)}
        placement.owner(boxes)
        area = placement.panel(boxes, 120, 130, STYLE)
        tags(placement, boxes, [area], 0.0)
    assert area == Placement().panel(boxes, 120, 130, STYLE)
