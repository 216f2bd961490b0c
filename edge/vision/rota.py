"""Which tile of a picture to look at next: what changed, and what waited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.protocols import Window
from edge.types import Image

UNIT = 128 * 128
"""Input pixels of one detector call, in which costs are counted."""
_ROUND = 3
"""Of so many tiles one is that which waited longest, however little it changed."""
_SAMPLES = 72
"""Rows of pixels that are compared to see where a picture changed."""
_NOISE = 16
"""Changes of a pixel up to this are a camera's noise."""


@dataclass(slots=True)
class Tile:
    """A window of the rota, what it showed and when it was looked at last."""

    window: Window
    turn: int = 0
    shown: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), np.uint8))

    @property
    def cost(self) -> float:
        """In detector calls."""
        return self.window.columns * self.window.rows / UNIT

    def looked(self, samples: NDArray[np.uint8], size: tuple[int, int], turn: int) -> None:
        """Note that it was looked at in the frame of ``samples`` and ``size``."""
        self.turn, self.shown = turn, _part(samples, self.window, size).copy()

    def change(self, samples: NDArray[np.uint8], size: tuple[int, int]) -> float:
        """How much of it changed since then."""
        changed = cv2.absdiff(_part(samples, self.window, size), self.shown)
        return float(np.maximum(changed, _NOISE).mean()) - _NOISE


def choose(
    rota: Sequence[Tile], samples: NDArray[np.uint8], size: tuple[int, int], turn: int
) -> Tile:
    """Return the tile to look at next: what changed and waited, every third time what waited most.

    A change fills most of the smallest tile that shows it, which is the one that sees it large.
    """
    if turn % _ROUND:
        most, tile = max(
            ((tile.change(samples, size) * (turn - tile.turn), tile) for tile in rota),
            key=lambda item: item[0],
        )
        if most > 0:
            return tile
    return min(rota, key=lambda tile: tile.turn)


def sampled(image: Image) -> NDArray[np.uint8]:
    """Return the green of every so manieth pixel, ``uint8[about 72, …]``."""
    step = max(image.shape[0] // _SAMPLES, 1)
    return np.ascontiguousarray(image[::step, ::step, 1])


def _part(samples: NDArray[np.uint8], window: Window, size: tuple[int, int]) -> NDArray[np.uint8]:
    scale = samples.shape[0] / size[0]
    top, left = int(window.top * scale), int(window.left * scale)
    bottom = math.ceil((window.top + window.height) * scale)
    right = math.ceil((window.left + window.width) * scale)
    return samples[top:bottom, left:right]
