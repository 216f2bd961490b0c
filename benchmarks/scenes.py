"""Scenes with faces of known size and place: validation images or portraits in photographs.

The photographs are the two that scikit-learn brings, which show nobody.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.sources.demo import load_portraits
from edge.types import Box, Image

FACE = 0.84
"""Side of the detector's box in sides of a training image, and…"""
_LOW = 0.075
"""…how much lower than its centre the box stands."""
_MARGIN = 0.55
"""Border of a pasted image, in its sides: it carries on and fades into the picture."""
_HEAD = 2.2
"""Side of a portrait's cut-out in sides of its face."""
_APART = 1.25
Grey = NDArray[np.uint8]


@functools.cache
def _photographs() -> tuple[Image, ...]:
    from sklearn.datasets import load_sample_images  # noqa: PLC0415 - takes a second

    return tuple(np.ascontiguousarray(image[..., ::-1]) for image in load_sample_images().images)


def background(size: tuple[int, int], random: np.random.Generator) -> Image:
    """Return a part of a photograph as ``uint8[H, W, 3]`` BGR of ``size`` (height, width)."""
    picture = _photographs()[random.integers(len(_photographs()))]
    scale = max(size[0] / picture.shape[0], size[1] / picture.shape[1]) * random.uniform(1, 1.5)
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    top, left = (random.integers(large.shape[n] - size[n], endpoint=True) for n in (0, 1))
    return np.array(large[top : top + size[0], left : left + size[1]], np.uint8)


def tile(grey: Grey, side: float) -> Image:
    """Return a training image (``uint8[h, w]``) whose face has ``side`` pixels, with its border."""
    whole = max(round(side / FACE), 8)
    large = cv2.resize(grey, (whole, whole), interpolation=cv2.INTER_CUBIC)
    border = round(_MARGIN * whole)
    wide = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(wide, cv2.COLOR_GRAY2BGR), np.uint8)


def head(which: int, side: float) -> Image:
    """Return the head of portrait ``which`` whose face has ``side`` pixels."""
    portrait = load_portraits()[which % 2]
    (x, y), reach = portrait.face.centre, portrait.face.width * _HEAD / 2
    left, top = max(round(x - reach), 0), max(round(y - reach), 0)
    cut = portrait.image[top : round(y + reach), left : round(x + reach)]
    whole = round(side * _HEAD)
    return np.asarray(cv2.resize(cut, (whole, whole), interpolation=cv2.INTER_AREA), np.uint8)


def paste(picture: Image, part: Image, x: float, y: float, fade: float = 0.15) -> None:
    """Blend the square ``part`` into ``picture`` around (x, y); its edges fade."""
    side, (height, width) = part.shape[0], picture.shape[:2]
    left, top = round(x - side / 2), round(y - side / 2)
    steps = (np.arange(side) + 0.5) / (fade * side)
    ramp = np.clip(np.minimum(steps, steps[::-1]), 0, 1)
    alpha = np.minimum.outer(ramp, ramp)[..., np.newaxis]
    rows = slice(max(-top, 0), min(height - top, side))
    columns = slice(max(-left, 0), min(width - left, side))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    alpha, part = alpha[rows, columns], part[rows, columns]
    place = picture[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
    place[:] = (alpha * part + (1 - alpha) * place).round()


def group(
    images: Sequence[Grey], side: float, size: tuple[int, int], random: np.random.Generator
) -> tuple[Image, list[tuple[int, Box]]]:
    """Return a scene of ``size`` (height, width) with faces of ``side`` pixels, and their boxes.

    As many of ``images`` as there is room for at random; each box with the index of its image.
    """
    picture = background(size, random)
    boxes: list[tuple[int, Box]] = []
    for index, grey in enumerate(images):
        for x, y in _places(side, size, random):
            box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
            if all(_far(box, other) for _, other in boxes):
                paste(picture, tile(grey, side), x, y - _LOW * side / FACE)
                boxes.append((index, box))
                break
    return picture, boxes


def _places(
    side: float, size: tuple[int, int], random: np.random.Generator
) -> Iterator[tuple[float, float]]:
    for _ in range(50):
        y, x = (random.uniform(0.7 * side, max(length - 0.7 * side, length / 2)) for length in size)
        yield x, y


def _far(box: Box, other: Box) -> bool:
    (x, y), (other_x, other_y) = box.centre, other.centre
    return max(abs(x - other_x), abs(y - other_y)) > _APART * box.width / FACE
