"""What is drawn: inside the picture, readable, and nothing over anything else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import overlay
from edge.frames import Box, Outage, Track
from edge.layout import Area, Style, bars_place, broken, tag_place, tag_spots
from edge.overlay import draw, draw_outage
from tests.edge.fakes import LABELS, image, outage, result, row, square, track


def test_the_picture_itself_stays_as_it_is() -> None:
    picture = image(320, 240, 90)
    drawn = draw(picture, result(tracks=[track(square(160, 120, 80))]), LABELS, "30 FPS")
    assert (picture == 90).all()
    assert (drawn != 90).any()
    assert drawn.shape == picture.shape


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1920, 1080)])
def test_text_is_readable_on_any_background(size: tuple[int, int], value: int) -> None:
    canvas = image(*size, value=value)
    area = overlay.draw_status(canvas, "30 FPS · 3.0 ms", Style(*size))
    text = canvas[area.top : area.bottom, area.left : area.right]
    assert text.max() >= 250, "white text"
    assert np.median(text) <= 100, "on dark"
    assert (text > 200).mean() > 0.05


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080)])
def test_a_pattern_behind_text_is_blurred_and_dark(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1] // 4, size[0] // 4, 3))
    canvas = noise.astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    before, area = canvas.copy(), Area(10, 20, 100, 90)
    overlay.darken(canvas, area, Style(*size))
    behind = canvas[area.top : area.bottom, area.left : area.right]
    assert behind.max() < 75, "the text has 205 and more"
    assert behind.std() < 0.15 * before.std()
    canvas[area.top : area.bottom, area.left : area.right] = 0
    before[area.top : area.bottom, area.left : area.right] = 0
    assert (canvas == before).all(), "nothing else has changed"


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (1920, 1080)])
def test_a_long_status_is_broken_between_its_parts(size: tuple[int, int]) -> None:
    style, parts = Style(*size), ["30 FPS", "12.3 ms", "camera 0 reconnects", "145 ms"]
    area = overlay.draw_status(image(*size), " · ".join(parts), style)
    assert area.right <= size[0] - style.pad
    lines = broken(" · ".join(parts), size[0] - 4 * style.pad, style)
    assert [part for line in lines for part in line.split(" · ")] == parts
    assert area.height == len(lines) * style.row + style.pad
    assert (len(lines) > 1) == (size[0] < 320)


def test_a_label_stands_with_its_own_probability() -> None:
    late = Track(1, square(10, 10, 4), "sad", row(0.1, 0.5, 0.4), 1.0)
    assert overlay.caption(late, LABELS) == "sad 40%"
    unsure = Track(1, square(10, 10, 4), "uncertain", row(0.3, 0.4, 0.3), 1.0)
    assert overlay.caption(unsure, LABELS) == "uncertain"


@pytest.mark.parametrize("value", [0, 255])
def test_the_groove_of_a_bar_is_seen_on_any_background(value: int) -> None:
    canvas, area = image(640, 360, value), Area(20, 20, 200, 100)
    overlay.draw_bars(canvas, track(square(0, 0, 4)), LABELS, "", area)
    backing = int(canvas[area.top + 1, area.left + 1].max())
    assert abs(overlay._GROOVE[0] - backing) > 30


@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1920, 1080)])
def test_the_bars_are_as_long_as_the_probabilities(size: tuple[int, int]) -> None:
    width, height = size
    face = Track(1, square(0.7 * width, 0.4 * height, 0.3 * height), "happy", row(0.2, 0.6, 0.2), 1)
    drawn = draw(image(*size), result(tracks=[face]), LABELS, "")
    panel = drawn[height // 2 :, : width // 2].reshape(-1, 3)
    pixels = [(panel == colour).all(axis=1).sum() for colour in overlay._COLOURS[:3]]
    assert pixels[1] == pytest.approx(3 * pixels[0], rel=0.15)
    assert pixels[2] == pytest.approx(pixels[0], rel=0.15)


coordinate = st.floats(-200, 2200)
some_box = st.builds(square, coordinate, coordinate, st.floats(0, 900))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(16, 1920),
    height=st.integers(16, 1080),
    boxes=st.lists(some_box, max_size=6),
    label=st.sampled_from([*LABELS, "uncertain"]),
)
def test_any_box_in_any_frame_can_be_drawn(
    width: int, height: int, boxes: list[Box], label: str
) -> None:
    tracks = [track(box, label, number) for number, box in enumerate(boxes)]
    drawn = draw(image(width, height, 60), result(tracks=tracks), LABELS, "29 FPS · 3.2 ms")
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8


@given(x=st.floats(0, 640), y=st.floats(0, 360), side=st.floats(20, 200), crowd=st.integers(0, 3))
def test_a_tag_is_inside_the_frame_and_off_the_others(
    x: float, y: float, side: float, crowd: int
) -> None:
    style = Style(640, 360)
    taken: list[Area] = []
    for n in range(crowd + 1):
        box = square((x + 170 * n) % 640, y, side)
        area = tag_place(tag_spots(box, ("surprise 100%", "surprise"), style), taken).area
        assert area.left >= 0
        assert area.top >= 0
        assert area.right <= 640
        assert area.bottom <= 360
        taken.append(area)
    assert not any(a.meets(b) for a, b in itertools.combinations(taken, 2))


def test_the_panel_gives_way_to_faces() -> None:
    style = Style(640, 360)
    _, alone = bars_place([track(square(500, 100, 80))], 120, 130, style)
    assert (alone.left, alone.bottom) == (style.pad, 360 - style.pad)
    _, moved = bars_place([track(square(80, 300, 100))], 120, 130, style)
    assert moved.right == 640 - style.pad


def test_the_panel_leaves_a_small_face_to_be_seen_where_it_can() -> None:
    style = Style(320, 240)
    _, free = bars_place([track(square(55, 185, 30))], 90, 100, style)
    assert (free.right, free.bottom) == (320 - style.pad, 240 - style.pad)
    # Most of a small face is more than a sixth of a large one, whatever has more pixels.
    faces = [track(square(10, 200, 20)), track(square(270, 100, 120))]
    crowd = [*faces, track(square(160, 220, 20), number=3)]
    _, least = bars_place(crowd, 90, 100, style)
    assert (least.right, least.bottom) == (320 - style.pad, 240 - style.pad)


@pytest.mark.parametrize("size", [(320, 240), (640, 360), (1920, 1080)])
def test_an_outage_is_dark_and_says_something_that_changes(size: tuple[int, int]) -> None:
    drawn = draw_outage(size, outage(retry_in=5))
    assert np.median(drawn) <= 40
    assert drawn.max() >= 250, "white text"
    rim = max(size[0] // 100, 2)
    assert max(drawn[:, :rim].max(), drawn[:, -rim:].max()) <= 40, "the text is inside"
    assert (draw_outage(size, outage(retry_in=4)) != drawn).any()


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(16, 1920),
    height=st.integers(16, 1080),
    reason=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=300),
)
def test_any_outage_in_any_frame_can_be_drawn(width: int, height: int, reason: str) -> None:
    drawn = draw_outage((width, height), Outage(12.0, 0.0, reason, 1.0))
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8
