"""From a detector's face to the grey square that training saw. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import Framing
from edge.types import Face, Image

_PITCH = 1.25
"""Source pixels from one sample to the next: below 2, bilinear samples leave none of them out."""
_MOST_SAMPLES = 8
"""Samples per output pixel and axis at the most; beyond that a face fills more than 480 pixels."""


@dataclass(frozen=True, slots=True)
class Square:
    """Centre and side in pixels; ``angle`` in radians turns it clockwise as seen on the screen."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @property
    def reach(self) -> float:
        """How far it extends from its centre in x, and as far in y, in pixels."""
        return self.side / 2 * (abs(math.cos(self.angle)) + abs(math.sin(self.angle)))


def face_square(face: Face, framing: Framing) -> Square:
    """Return the square that ``framing`` derives from ``face``, in pixels of the frame."""
    x, y = face.box.centre
    side = max((face.box.width + face.box.height) / 2, 1.0)
    angle = 0.0
    if framing.rotate:
        right, left = face.key_points[:2].astype(float)
        angle = math.atan2(left[1] - right[1], left[0] - right[0])
    across, down = framing.offset_x * side, framing.offset_y * side
    cos, sin = math.cos(angle), math.sin(angle)
    return Square(
        x + across * cos - down * sin,
        y + across * sin + down * cos,
        side * framing.scale,
        angle,
    )


def crop_square(image: Image, square: Square, height: int, width: int) -> NDArray[np.uint8]:
    """Resample ``square`` of ``image`` (``uint8[H, W, 3]`` BGR) to grey ``uint8[height, width]``.

    The square is sampled bilinearly, so densely that every source pixel counts, and then averaged
    over whole blocks: a large face is low-pass filtered and a small one interpolated. What lies
    outside the frame repeats its border.
    """
    samples = math.ceil(square.side / min(height, width) / _PITCH)
    samples = min(max(samples, 1), _MOST_SAMPLES)
    rows, columns = height * samples, width * samples
    grey, left, top = _grey_around(image, square)
    cos, sin = math.cos(square.angle), math.sin(square.angle)
    step_x, step_y = square.side / columns, square.side / rows
    # Pixel centres lie at half-integers of the frame's coordinates, at integers of OpenCV's.
    a, b, d, e = cos * step_x, -sin * step_y, sin * step_x, cos * step_y
    across, down = (columns - 1) / 2, (rows - 1) / 2
    x = square.x - left - 0.5 - (a * across + b * down)
    y = square.y - top - 0.5 - (d * across + e * down)
    fine = cv2.warpAffine(
        grey,
        np.array([(a, b, x), (d, e, y)]),
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if samples == 1:
        return np.asarray(fine, np.uint8)
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def crop_faces(
    image: Image, faces: Sequence[Face], framing: Framing, height: int, width: int
) -> NDArray[np.uint8]:
    """Cut every face out of ``image`` (``uint8[H, W, 3]`` BGR): grey ``uint8[n, h, w, 1]``.

    ``framing`` is the contract's for the detector that found the faces.
    """
    crops = np.empty((len(faces), height, width, 1), np.uint8)
    for crop, face in zip(crops, faces, strict=True):
        crop[..., 0] = crop_square(image, face_square(face, framing), height, width)
    return crops


def _grey_around(image: Image, square: Square) -> tuple[NDArray[np.uint8], int, int]:
    """Grey part of the frame that ``square`` touches, with its left and top in the frame."""
    height, width = image.shape[:2]
    left, right = _touched(square.x, square.reach, width)
    top, bottom = _touched(square.y, square.reach, height)
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, np.uint8), left, top


def _touched(centre: float, reach: float, size: int) -> tuple[int, int]:
    """[low, high) of the pixels that an interpolation reads, in [0, size), at least one."""
    low = min(max(math.floor(centre - reach) - 1, 0), size - 1)
    return low, max(min(math.ceil(centre + reach) + 1, size), low + 1)
