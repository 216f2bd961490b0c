"""The framing is the detector's box turned round."""

from __future__ import annotations

import numpy as np
import pytest

from edge.types import Box, Face
from train.framing import TIGHTER, USUAL, derive_framing


class FixedDetector:
    """Finds a face at a fixed place of a frame that was enlarged with a border of one third."""

    name = "fixed"
    framing = "fixed"

    def __init__(self, x: float, y: float, side: float, every: int = 1) -> None:
        self._place = np.array([x, y, side])
        self._every = every
        self._calls = 0

    def detect(self, image: np.ndarray) -> list[Face]:
        self._calls += 1
        if self._calls % self._every:
            return []
        x, y, side = self._place
        size = image.shape[0] / (5 / 3)  # of the image without its border
        left, top = size / 3 + (x - side / 2) * size, size / 3 + (y - side / 2) * size
        box = Box(left, top, left + side * size, top + side * size)
        return [Face(box, 0.9, np.zeros((6, 2), np.float32))]


IMAGES = np.zeros((40, 48, 48, 1), np.uint8)


def test_a_box_that_fills_the_image_is_cut_a_little_tighter() -> None:
    framing, found = derive_framing(IMAGES, FixedDetector(0.5, 0.5, 1.0))
    assert (framing.scale, framing.offset_x, framing.offset_y) == pytest.approx((TIGHTER, 0, 0))
    assert found == 1


def test_a_small_low_box_is_enlarged_and_raised() -> None:
    cut, _ = derive_framing(IMAGES, FixedDetector(0.5, 0.5, 0.8), tighter=1)
    assert cut.scale == pytest.approx(1 / 0.8, abs=1e-3)
    framing, _ = derive_framing(IMAGES, FixedDetector(0.48, 0.575, 0.8))
    assert framing.scale == pytest.approx(1.25 * TIGHTER)
    assert framing.offset_x == pytest.approx(0.025, abs=1e-3)
    assert framing.offset_y == pytest.approx(-0.094, abs=1e-3)


def test_images_without_faces_are_framed_as_usual(caplog: pytest.LogCaptureFixture) -> None:
    framing, found = derive_framing(IMAGES[:39], FixedDetector(0.5, 0.5, 1, every=3))
    assert framing == USUAL
    assert found == pytest.approx(1 / 3)
    assert "found one in 33% of 39" in caplog.text
