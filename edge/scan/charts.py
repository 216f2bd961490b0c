"""Shapes and texts of the report's charts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from edge.scan.summary import Array

HEIGHT = 100
"""Units of a chart from the bottom to the top."""
_COLOURS = (
    "#f05050",
    "#46be60",
    "#be6ee2",
    "#facd3c",
    "#5abec8",
    "#4696f0",
    "#ff913c",
    "#ff78a0",
    "#a0d796",
)
"""Those of the live page and of the boxes in a picture."""
_GOLDEN = 137.508
"""Degrees that keep neighbours apart, however many there are."""
_MOST_TICKS = 6
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


class Layer(NamedTuple):
    """What a label adds to those below it: an SVG path, of certain faces or of the others."""

    number: int
    certain: bool
    path: str


class Tick(NamedTuple):
    """``place`` is 0…1."""

    place: float
    time: int


def layers(weights: Array) -> list[Layer]:
    """Return the shares in each bin of ``float64[2, labels, bins]``, stacked, top one first.

    Each reaches down to the bottom, so that the next one covers what is not its own.
    """
    total = weights.sum(axis=(0, 1))
    stack = np.cumsum(weights.reshape(-1, weights.shape[2]), axis=0) / np.where(total, total, 1)
    labels = weights.shape[1]
    found = [
        Layer(row % labels, row < labels, steps(stack[row]))
        for row in range(2 * labels)
        if weights[row // labels, row % labels].any()
    ]
    return found[::-1]


def steps(values: Array) -> str:
    """Return an SVG path of the area under ``values``, 0…1, each a unit wide."""
    height, path = 0, f"M0 {HEIGHT}"
    for value, run in groupby(np.rint(values * HEIGHT).astype(int).tolist()):
        path += f"v{height - value}h{len(list(run))}"
        height = value
    return f"{path}V{HEIGHT}z"


def ticks(seconds: float) -> Sequence[Tick]:
    """Return the times to name on an axis of ``seconds``."""
    days = 86400 * (1 + int(seconds / _MOST_TICKS / 86400))
    step = next((step for step in _TICKS if seconds / step <= _MOST_TICKS), days)
    return [Tick(time / seconds, time) for time in range(0, int(seconds) + 1, step)]


def clock(seconds: float) -> str:
    """Return hours, minutes and seconds."""
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def colours(labels: int) -> Sequence[str]:
    """Return a CSS colour for each of so many labels, no two of them the same."""
    if labels <= len(_COLOURS):
        return _COLOURS[:labels]
    return [
        f"hsl({number * _GOLDEN % 360:.1f} {(75, 55)[number % 2]}% {(60, 45, 72)[number % 3]}%)"
        for number in range(labels)
    ]
