"""Pictures for a network are JPEGs that a page can show."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.jpeg import LARGEST, encode


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (2000, 3000), (480, 640)])
def test_a_picture_of_any_shape_becomes_one_that_is_small_enough(size: tuple[int, int]) -> None:
    decoded = cv2.imdecode(np.frombuffer(encode(np.zeros((*size, 3), np.uint8)), np.uint8), 1)
    scale = min(LARGEST / max(size), 1)
    assert decoded.shape[:2] == tuple(max(round(side * scale), 1) for side in size)
