"""What a detector sees of a frame through a window."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.errors import DetectorError
from edge.protocols import Window
from edge.types import LARGEST_SIDE, Image


def check_size(height: int, width: int) -> None:
    """Raise ``DetectorError`` where a frame of that size can't be sampled."""
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
        raise DetectorError(
            f"expected a frame of 1…{LARGEST_SIDE} pixels a side, found {width}×{height}; resize it"
        )


def sample(image: Image, window: Window) -> Image:
    """What ``window`` shows of ``image``: ``uint8[rows, columns, 3]``, black outside of it.

    Where one pixel stands for two or more of the frame, that is halved first, to means: OpenCV does
    nothing faster.
    """
    step_x, step_y = window.width / window.columns, window.height / window.rows
    left, top = window.left, window.top
    halvings = int(math.log2(max(min(step_x, step_y), 1)))
    if halvings:
        height, width = image.shape[:2]
        factor = 1 << halvings
        first_x, first_y = (max(int(origin) // factor * factor, 0) for origin in (left, top))
        last_x = min(math.ceil(left + window.width) + factor, width)
        last_y = min(math.ceil(top + window.height) + factor, height)
        image = image[first_y:last_y, first_x:last_x]
        if not image.size:
            return np.zeros((window.rows, window.columns, 3), np.uint8)
        for _ in range(halvings):
            image = _halved(image)
        # Pixel centres lie at half-integers of the frame's coordinates, at integers of OpenCV's.
        left, top = (left - first_x + 0.5) / factor - 0.5, (top - first_y + 0.5) / factor - 0.5
        step_x, step_y = step_x / factor, step_y / factor
    if window.mirrored:
        left, step_x = left + step_x * (window.columns - 1), -step_x
    places = np.array([(step_x, 0, left), (0, step_y, top)])
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(image, places, (window.columns, window.rows), flags=flags))


def _halved(image: Image) -> Image:
    """The means of two by two pixels; of an odd number the last ones are left out."""
    rows, columns = max(image.shape[0] // 2, 1), max(image.shape[1] // 2, 1)
    pairs = image[: 2 * rows, : 2 * columns]
    return np.asarray(cv2.resize(pairs, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
