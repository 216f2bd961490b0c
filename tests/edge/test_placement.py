"""Bars, panel and tags that stay with a face while boxes and order change from frame to frame."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from edge.frames import Box, Track
from edge.layout import Area, Spot, Style
from edge.overlay import draw
from edge.placement import Placement
from tests.edge.fakes import LABELS, image, result, row, square, track

STYLE = Style(640, 360)


def noisy(rng: np.random.Generator, x: float, y: float, side: float) -> Box:
    dx, dy, ds = rng.normal(0, 0.03 * side, 3)
    return square(x + dx, y + dy, side + ds)


def switches(values: Sequence[object]) -> int:
    return sum(a != b for a, b in itertools.pairwise(values))


def texts(track: Track) -> tuple[str, str]:
    return f"{track.emotion} 100%", track.emotion


def test_two_faces_of_about_the_same_size_do_not_take_the_bars_from_each_other() -> None:
    rng, placement = np.random.default_rng(0), Placement()
    owners, largest = [], []
    for _ in range(300):
        tracks = [track(noisy(rng, 150 + 200 * n, 150, 90), number=n + 1) for n in range(2)]
        rng.shuffle(tracks)  # type: ignore[arg-type]
        owners.append(placement.owner(tracks).id)
        largest.append(max(tracks, key=lambda track: track.box.area).id)
    assert switches(largest) > 100
    assert switches(owners) == 0


def test_a_face_that_is_clearly_larger_gets_the_bars_and_one_that_goes_leaves_them() -> None:
    placement = Placement()
    first, second = track(square(100, 100, 80), number=1), track(square(300, 100, 90), number=2)
    assert placement.owner([first]).id == 1
    assert placement.owner([second, first]).id == 1
    near = track(square(300, 100, 130), number=2)
    assert placement.owner([first, near]).id == 2
    assert placement.owner([first, second]).id == 2, "it has them now"
    assert placement.owner([first]).id == 1


def test_the_panel_stays_until_it_covers_a_face_and_does_not_jump_back() -> None:
    placement = Placement()

    def panel(x: float) -> int:
        seen = [track(square(x, 300, 100))]
        area = placement.panel(seen, 120, 130, STYLE)
        placement.tags(seen, texts, [area], STYLE, 0.0)
        placement.owner(seen)
        return area.left

    places = [panel(x) for x in (400, 180, 90, 170, 190, 300, 400)]
    assert places[0] == places[1] == STYLE.pad
    assert places[2:5] == [640 - STYLE.pad - 120] * 3, "it has given way, and stays there"
    rng = np.random.default_rng(0)
    assert switches([panel(x) for x in 170 + rng.normal(0, 8, 100)]) == 0


def test_tags_keep_their_places_while_the_order_of_sizes_changes() -> None:
    """Five faces so near to each other that not all tags can be above theirs."""
    rng, placement = np.random.default_rng(0), Placement()
    keys: dict[int, list[tuple[int, int, int]]] = {n: [] for n in range(5)}
    for frame in range(300):
        boxes = [noisy(rng, 90 + 110 * n, 80 + 75 * (n % 2), 60) for n in range(5)]
        tracks = [track(box, "surprise", n) for n, box in enumerate(boxes)]
        rng.shuffle(tracks)  # type: ignore[arg-type]
        spots = placement.tags(tracks, texts, [Area(0, 0, 640, 40)], STYLE, frame / 30)
        areas = [spot.area for _, spot in spots]
        assert not any(a.meets(b) for a, b in itertools.combinations(areas, 2))
        for seen, spot in spots:
            keys[seen.id].append(spot.key)
    assert sum(map(switches, keys.values())) <= 15, "ten seconds of five faces"


def one_tag(placement: Placement, taken: Sequence[Area], at: float) -> Spot:
    return placement.tags([track(square(300, 200, 80))], texts, taken, STYLE, at)[0][1]


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
    kept, fresh = Placement(), Placement()
    for placement, numbers in ((kept, (1, 2)), (fresh, (2,))):
        for number in numbers:
            x = 80 if number == 1 else 500
            seen = [track(square(x, 300, 100), number=number)]
            placement.owner(seen)
            area = placement.panel(seen, 120, 130, STYLE)
            placement.tags(seen, texts, [area], STYLE, 0.0)
    again = [track(square(500, 300, 100), number=2)]
    assert kept.panel(again, 120, 130, STYLE) == fresh.panel(again, 120, 130, STYLE)


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080)])
def test_the_face_with_the_bars_has_its_number_and_a_thicker_box_where_there_are_more(
    size: tuple[int, int],
) -> None:
    width, height = size
    box, other = square(0.7 * width, 0.4 * height, 0.3 * height), square(0, 0, 4)
    happy = Track(1, box, "happy", row(0, 1, 0), 1.0)
    alone = draw(image(*size), result(tracks=[happy]), LABELS, "")
    crowd = draw(image(*size), result(tracks=[happy, track(other, number=2)]), LABELS, "")
    middle, side = round(0.4 * height), slice(round(box.left) - 20, round(box.left) + 20)
    thin, thick = (np.any(picture[middle, side] > 100, axis=-1).sum() for picture in (alone, crowd))
    assert thick >= 1.4 * thin
    tag = slice(round(box.top - 0.1 * height), round(box.top) - 4)
    white = [(picture[tag].min(axis=-1) > 200).sum() for picture in (alone, crowd)]
    assert white[1] > 1.1 * white[0], "the number is before the label"
