"""The crop is where the framing says, at any scale, angle and place."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import Framing
from edge.types import Box, Face
from edge.vision.crops import Square, crop_faces, crop_square, face_square

SIZE = 48


def face(box: Box, angle: float = 0.0) -> Face:
    centre = np.array(box.centre)
    eye = np.array([math.cos(angle), math.sin(angle)]) * box.width / 5
    points = np.zeros((6, 2), np.float32)
    points[0], points[1] = centre - eye, centre + eye
    return Face(box, 0.9, points)


def ramp(height: int, width: int) -> np.ndarray:
    """Red channel free, grey level = x / 4 + y / 4 at pixel centres."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.repeat(((x + y) / 4)[..., None], 3, axis=2).round().astype(np.uint8)


coordinate = st.floats(-200, 700)


@given(coordinate, coordinate, st.floats(1, 400), st.floats(-math.pi, math.pi))
def test_any_square_gives_a_crop(x: float, y: float, side: float, angle: float) -> None:
    crop = crop_square(ramp(90, 160), Square(x, y, side, angle), SIZE, SIZE)
    assert crop.shape == (SIZE, SIZE)
    assert crop.dtype == np.uint8


@given(st.floats(150, 350), st.floats(150, 350), st.floats(20, 200), st.floats(-3, 3))
def test_pixels_come_from_where_the_square_says(
    x: float, y: float, side: float, angle: float
) -> None:
    crop = crop_square(ramp(500, 500), Square(x, y, side, angle), SIZE, SIZE).astype(float)
    offset = (np.arange(SIZE) + 0.5) / SIZE * side - side / 2
    across, down = np.meshgrid(offset, offset)
    source_x = x + across * math.cos(angle) - down * math.sin(angle)
    source_y = y + across * math.sin(angle) + down * math.cos(angle)
    assert np.abs(crop - (source_x + source_y) / 4).max() < 1.0


def test_identity_square_returns_the_pixels() -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (SIZE, SIZE), np.uint8)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    np.testing.assert_array_equal(crop_square(image, Square(24, 24, 48), SIZE, SIZE), grey)


def test_a_large_face_is_averaged_not_sampled() -> None:
    """A fine checkerboard must come out as its mean, not as aliasing."""
    board = (np.indices((480, 480)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = cv2.cvtColor(board, cv2.COLOR_GRAY2BGR)
    crop = crop_square(image, Square(240, 240, 384), SIZE, SIZE)
    assert np.abs(crop.astype(int) - 127).max() <= 2


def test_what_lies_outside_repeats_the_border() -> None:
    image = np.full((60, 60, 3), 77, np.uint8)
    assert (crop_square(image, Square(-500, 900, 40), SIZE, SIZE) == 77).all()


@given(st.floats(10, 300), st.floats(0.5, 3), st.floats(-1, 1), st.floats(-1, 1))
def test_framing_is_in_units_of_the_box(
    side: float, scale: float, offset_x: float, offset_y: float
) -> None:
    square = face_square(
        face(Box(100, 50, 100 + side, 50 + side)), Framing(scale, offset_x, offset_y)
    )
    assert square.side == pytest.approx(scale * side)
    assert square.x == pytest.approx(100 + side / 2 + offset_x * side)
    assert square.y == pytest.approx(50 + side / 2 + offset_y * side)
    assert square.angle == 0


@given(st.floats(-1.4, 1.4))
def test_rotation_levels_the_eyes(angle: float) -> None:
    tilted = face(Box(100, 100, 200, 200), angle)
    square = face_square(tilted, Framing(1.2, 0.0, -0.1, rotate=True))
    assert square.angle == pytest.approx(angle, abs=1e-5)
    # The offset turns with the head: up along the face is up in the crop.
    assert square.x == pytest.approx(150 + 10 * math.sin(angle), abs=1e-3)
    assert square.y == pytest.approx(150 - 10 * math.cos(angle), abs=1e-3)


def test_crops_of_no_and_of_two_faces() -> None:
    image = ramp(120, 160)
    faces = [face(Box(10, 10, 60, 60)), face(Box(90, 30, 150, 90))]
    assert crop_faces(image, [], Framing(), SIZE, SIZE).shape == (0, SIZE, SIZE, 1)
    crops = crop_faces(image, faces, Framing(), SIZE, SIZE)
    assert crops.shape == (2, SIZE, SIZE, 1)
    assert crops[1].mean() > crops[0].mean()
