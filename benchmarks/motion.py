"""Sequences of face crops as a camera and a detector give them, made from still images.

The crop's place, size and roll move as two Ornstein-Uhlenbeck processes do (Uhlenbeck and Ornstein
1930): a fast one, as a detector's box trembles, and a slow one, as a head moves and the detector
follows; what each detector does to each face at all times is a third part. How far was measured:
BlazeFace on validation images that move slowly in frames with noise puts the square 0.025 and 0.015
of its side (across, down) from its own mean and is wrong by 3.6 % in its size, half of it anew in
each frame of 1/15 s.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness import Crops, blurred, compressed, cut

FPS = 15
CROSS_FADE = 0.2
"""Seconds that a face takes from one expression to another."""
_FAST, _SLOW = 0.04, 0.5
"""Time constants in seconds."""
_ALWAYS_BY = (0.03, 0.03, 0.06, 4.0)
"""Standard deviations: across and down in sides of the square, its size as a logarithm, degrees."""
_SLOW_BY = (0.015, 0.015, 0.025, 5.0)
_FAST_BY = (0.015, 0.015, 0.025, 0.0)
_LIGHT, _STOPS, _DRIFT = 2.0, 1.5, 0.3
"""Light drifts in so many seconds by 0.3 stops, below a level of up to 1.5 stops less."""
_FOCUS = (0.2, 1.0)
"""Gaussian blur of a sequence, pixels of the crop."""
_HASTE, _PATH = 0.3, 0.8
"""A head's speed lasts so many seconds; its way within an exposure, pixels of the crop."""
_SHORTEST = 1.5
"""A way that shows."""
_NOISE = (1.5, 6.0)
"""Standard deviation of a sequence, grey levels."""
_QUALITY = (40, 90)
"""Of a sequence's JPEG."""
_ENCODING = 1 / 2.2
Floats = NDArray[np.floating]


def held(image: Crops, seconds: float, random: np.random.Generator) -> Crops:
    """Film one ``image`` (``uint8[h, w, 1]``): ``uint8[frames, h, w, 1]``."""
    return filmed(np.repeat(image[np.newaxis], round(seconds * FPS), axis=0), random)


def changing(first: Crops, then: Crops, seconds: float, random: np.random.Generator) -> Crops:
    """Film ``first`` for ``seconds``, then another image for as long.

    The change is where half of each is seen, in the first frame of the second part.
    """
    times = np.arange(2 * round(seconds * FPS)) / FPS - round(seconds * FPS) / FPS
    share = np.clip(times / CROSS_FADE + 0.5, 0, 1)[:, np.newaxis, np.newaxis, np.newaxis]
    return filmed(
        np.asarray(np.rint(first + share * (then - first.astype(float))), np.uint8), random
    )


def filmed(scenes: Crops, random: np.random.Generator) -> Crops:
    """Return what of ``scenes`` (``uint8[frames, h, w, 1]``) arrives at the classifier."""
    count = len(scenes)
    places = (
        random.normal(size=4) * _ALWAYS_BY
        + wander(count, _SLOW, 4, random) * _SLOW_BY
        + wander(count, _FAST, 4, random) * _FAST_BY
    )
    crops = np.stack(
        [
            cut(scene, np.exp(size), across, down, np.radians(roll))
            for scene, (across, down, size, roll) in zip(scenes, places, strict=True)
        ]
    )
    crops = blurred(crops, random.uniform(*_FOCUS))
    crops = _dragged(crops, _PATH * wander(count, _HASTE, 2, random))
    stops = _DRIFT * wander(count, _LIGHT, 1, random)[:, 0] - random.uniform(0, _STOPS)
    levels = crops * (2 ** stops[:, np.newaxis, np.newaxis, np.newaxis]) ** _ENCODING
    levels += random.uniform(*_NOISE) * random.standard_normal(crops.shape, np.float32)
    seen = np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
    return compressed(seen, int(random.integers(*_QUALITY, endpoint=True)))


def wander(frames: int, seconds: float, count: int, random: np.random.Generator) -> Floats:
    """``float[frames, count]``: Ornstein-Uhlenbeck processes of variance 1, from any moment on.

    ``seconds`` is their time constant.
    """
    keep = np.exp(-1 / (FPS * seconds))
    steps = random.normal(size=(frames, count))
    steps[1:] *= np.sqrt(1 - keep**2)
    for n in range(1, frames):
        steps[n] += keep * steps[n - 1]
    return steps


def _dragged(crops: Crops, ways: Floats) -> Crops:
    """Blur along ``ways``, ``float[frames, 2]`` pixels across and down, where they are long."""
    dragged = crops.copy()
    for n in np.flatnonzero(np.hypot(*ways.T) >= _SHORTEST):
        dragged[n, ..., 0] = cv2.filter2D(
            crops[n, ..., 0], -1, _line(*ways[n]), borderType=cv2.BORDER_REPLICATE
        )
    return dragged


def _line(across: float, down: float) -> Any:
    """The kernel of a way in pixels: ``float32[side, side]``, sums to 1."""
    reach = int(np.ceil(max(abs(across), abs(down)) / 2)) + 1
    line = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for part in np.linspace(-0.5, 0.5, 15):
        x, y = reach + part * across, reach + part * down
        left, top = int(x), int(y)
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            line[row, column] += (1 - abs(x - column)) * (1 - abs(y - row))
    return line / line.sum()
