"""What is drawn: inside the picture, readable, and nothing over anything else."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.settings import Part
from edge.types import Box, Frame, Outage
from edge.vision import overlay
from edge.vision.overlay import annotate, caption, draw_outage
from edge.vision.painter import Painter
from edge.vision.placement import Area, Placement, style_for, tag_spots, wrapped
from tests.edge.sinks.makers import LABELS, expression, face, image, outage, result, square

SIZES = pytest.mark.parametrize("size", [(320, 240), (640, 360), (1920, 1080)])


def test_the_picture_itself_stays_as_it_is() -> None:
    picture = image(320, 240, 90)
    drawn = annotate(picture, result(0, face(square(160, 120, 80))), "30 FPS")
    assert (picture == 90).all()
    assert (drawn != 90).any()
    assert drawn.shape == picture.shape


def test_without_a_face_and_a_status_nothing_is_drawn() -> None:
    assert (annotate(image(320, 240, 90), result()) == 90).all()


@pytest.mark.parametrize("value", [0, 128, 255])
@SIZES
def test_text_is_readable_on_any_background(size: tuple[int, int], value: int) -> None:
    canvas = image(*size, value=value)
    area = overlay._draw_status(canvas, "30 FPS · 3.0 ms", style_for(*size))
    text = canvas[area.top : area.bottom, area.left : area.right]
    assert text.max() >= 250, "white text"
    assert np.median(text) <= 100, "on dark"
    assert (text > 200).mean() > 0.05


@SIZES
def test_a_pattern_behind_text_is_blurred_and_dark(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1] // 4, size[0] // 4, 3))
    canvas = noise.astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    before, area = canvas.copy(), Area(10, 20, 100, 90)
    overlay._darken(canvas, area, style_for(*size))
    behind = canvas[area.top : area.bottom, area.left : area.right]
    assert behind.max() < 75, "the text has 205 and more"
    assert behind.std() < 0.15 * before.std()
    canvas[area.top : area.bottom, area.left : area.right] = 0
    before[area.top : area.bottom, area.left : area.right] = 0
    assert (canvas == before).all(), "nothing else has changed"


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (1920, 1080)])
def test_a_long_status_gets_as_many_lines_as_it_needs(size: tuple[int, int]) -> None:
    style, status = style_for(*size), "30 FPS · 12.3 ms · camera 0 reconnects · 145 ms"
    area = overlay._draw_status(image(*size), status, style)
    assert area.right <= size[0] - style.pad
    lines = wrapped(status, style)
    assert " ".join(lines) == status
    assert area.height == len(lines) * style.row + style.pad
    assert (len(lines) > 1) == (size[0] < 400)


def test_a_label_stands_with_its_own_probability_or_with_none() -> None:
    late = expression("sad", 0.4)
    assert caption(late) == "sad 40%"
    assert caption(expression("sad", 0.4, certain=False)) == "sad?"


def test_a_face_that_is_not_certain_has_no_colour() -> None:
    box = square(160, 100, 80)
    edge = slice(round(box.left) - 3, round(box.left) + 3)
    drawn = [
        annotate(image(320, 240), result(0, face(box, expression(certain=certain))))[100, edge]
        for certain in (True, False)
    ]
    spread = [int(np.ptp(pixels.max(axis=0).astype(int))) for pixels in drawn]
    assert spread[0] > 50
    assert spread[1] == 0, "grey"


@pytest.mark.parametrize("value", [0, 255])
def test_the_groove_of_a_bar_is_seen_on_any_background(value: int) -> None:
    canvas, area = image(640, 360, value), Area(20, 20, 200, 100)
    overlay._draw_bars(canvas, expression(), "", area, style_for(640, 360))
    backing = int(canvas[area.top + 1, area.left + 1].max())
    assert abs(overlay._GROOVE[0] - backing) > 30


@SIZES
def test_the_bars_are_as_long_as_the_probabilities(size: tuple[int, int]) -> None:
    width, height = size
    seen = face(square(0.7 * width, 0.4 * height, 0.3 * height), expression("happy", 0.6))
    drawn = annotate(image(*size), result(0, seen))
    panel = drawn[height // 2 :, : width // 2].reshape(-1, 3)
    pixels = [(panel == colour).all(axis=1).sum() for colour in overlay._COLOURS[:3]]
    assert pixels[1] == pytest.approx(3 * pixels[0], rel=0.15)
    assert pixels[2] == pytest.approx(pixels[0], rel=0.15)


def test_bars_that_would_hide_a_small_picture_are_left_out() -> None:
    drawn = annotate(image(64, 64, 200), result(0, face(square(32, 20, 20))))
    assert (drawn == 200).all(axis=2).mean() > 0.4


def test_in_a_photograph_of_many_the_bars_hide_nobody() -> None:
    crowd = [square(80 * x + 40, 80 * y + 40, 60) for y in range(4) for x in range(8)]
    for boxes, is_drawn in ((crowd, False), (crowd[:2], True), (crowd[-1:], True)):
        faces = [face(box, track=None) for box in boxes]
        drawn = annotate(image(640, 340, 200), result(0, *faces), overlay="bars")
        assert (drawn != 200).any() == is_drawn


@SIZES
def test_the_face_with_the_bars_has_its_number_and_a_thicker_box_where_there_are_more(
    size: tuple[int, int],
) -> None:
    width, height = size
    box, other = square(0.7 * width, 0.4 * height, 0.3 * height), square(0, 0, 4)
    alone = annotate(image(*size), result(0, face(box)))
    crowd = annotate(image(*size), result(0, face(box), face(other, track=2)))
    middle, side = round(0.4 * height), slice(round(box.left) - 20, round(box.left) + 20)
    thin, thick = (np.any(picture[middle, side] > 100, axis=-1).sum() for picture in (alone, crowd))
    assert thick >= 1.4 * thin
    tag = slice(round(box.top - 0.1 * height), round(box.top) - 4)
    white = [(picture[tag].min(axis=-1) > 200).sum() for picture in (alone, crowd)]
    assert white[1] > 1.1 * white[0], "the number is before the label"


def test_without_bars_everybody_has_a_number() -> None:
    boxes = square(150, 200, 120), square(450, 200, 100)

    def drawn(*tracks: int) -> np.ndarray:
        faces = [face(box, track=n) for box, n in zip(boxes, tracks, strict=True)]
        return annotate(image(640, 360), result(0, *faces), overlay={"boxes"})

    changed = (drawn(1, 2) != drawn(3, 4)).any(axis=(0, 2))
    assert changed[:300].any()
    assert changed[300:].any()


def test_faces_of_pictures_that_are_not_tracked_are_placed_anew() -> None:
    """Of one photograph after another nothing is to stay where it was."""
    kept = Painter()
    first, second = (face(square(x, 300, 100), tracked=False) for x in (80, 500))
    photograph = Frame(image(640, 360), 0, 0.0, still=True)
    kept.paint(photograph, result(0, first))
    again = kept.paint(photograph, result(0, second))
    assert (again == annotate(image(640, 360), result(0, second))).all()


coordinate = st.floats(-200, 2200)
some_box = st.builds(square, coordinate, coordinate, st.floats(0, 900))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 1920),
    height=st.integers(1, 1080),
    boxes=st.lists(some_box, max_size=6),
    label=st.sampled_from(LABELS),
    certain=st.booleans(),
    tracked=st.booleans(),
)
def test_any_box_in_any_frame_can_be_drawn(
    width: int, height: int, boxes: list[Box], label: str, certain: bool, tracked: bool
) -> None:
    faces = [
        face(box, expression(label, certain=certain), n, tracked) for n, box in enumerate(boxes, 1)
    ]
    drawn = annotate(image(width, height, 60), result(0, *faces), "29 FPS · 3.2 ms")
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8


@given(x=st.floats(0, 640), y=st.floats(0, 360), side=st.floats(20, 200), crowd=st.integers(0, 3))
def test_a_tag_is_inside_the_frame_and_off_the_others(
    x: float, y: float, side: float, crowd: int
) -> None:
    style = style_for(640, 360)
    boxes = [square((x + 170 * n) % 640, y, side) for n in range(crowd + 1)]
    spots = {n: tag_spots(box, ("surprise 100%", "surprise"), style) for n, box in enumerate(boxes)}
    areas = [spot.area for spot in Placement().tags(spots, [], 10, 0.0).values()]
    for area in areas:
        assert area.left >= 0
        assert area.top >= 0
        assert area.right <= 640
        assert area.bottom <= 360
    assert not any(a.meets(b) for a, b in itertools.combinations(areas, 2))


@SIZES
def test_an_outage_is_dark_and_says_something_that_changes(size: tuple[int, int]) -> None:
    drawn = draw_outage(size, outage(12, retry_in=5))
    assert np.median(drawn) <= 40
    assert drawn.max() >= 250, "white text"
    rim = max(size[0] // 100, 2)
    assert max(drawn[:, :rim].max(), drawn[:, -rim:].max()) <= 40, "the text is inside"
    assert (draw_outage(size, outage(12, retry_in=4)) != drawn).any()


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 1920),
    height=st.integers(1, 1080),
    reason=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=300),
)
def test_any_outage_in_any_frame_can_be_drawn(width: int, height: int, reason: str) -> None:
    drawn = draw_outage((width, height), Outage("camera 0", 12.0, 12.0, reason, 1.0))
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize(
    ("parts", "inside", "panel", "corner"),
    [
        (("boxes", "bars", "status"), True, True, True),
        (("boxes",), True, False, False),
        (("bars",), False, True, False),
        (("status",), False, False, True),
        ((), False, False, False),
    ],
)
def test_only_what_is_wanted_is_drawn(
    parts: Sequence[Part], inside: bool, panel: bool, corner: bool
) -> None:
    picture = image(640, 360, 90)
    drawn = annotate(picture, result(0, face(square(200, 180, 80))), "30 FPS", overlay=parts)
    changed = (drawn != 90).any(axis=2)
    assert changed[140:220, 155:245].any() == inside
    assert changed[:30, :60].any() == corner
    changed[:40] = changed[100:260, 100:300] = False
    assert changed.any() == panel
