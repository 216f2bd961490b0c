"""What the figures share: widths, marks that differ without colour, axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Affine2D

from train import recipes

Row = Mapping[str, Any]
WIDTH = 5.6
"""Inches; a figure of this width is readable on a phone."""
DEPLOYED = "#0b6e4f"
"""Colour of the deployed model."""
_DEPLOYED_MODEL = recipes.model_path(recipes.DEPLOYED).stem
_COLOURS = ("#8c6d1f", "#5b6c8f", "#7a3b69", "#444444")
_LINES = ("-", "--", "-.", ":")
_MARKERS = "osD^vP*X"
_WIDE = 30
"""A logarithmic axis with its last place so many times the first has no room for a tick more."""
_FINE = 1000
"""Times as large, the curves of a shape have corners enough."""


def colours(models: Iterable[str]) -> dict[str, str]:
    """Return a colour for each model: the deployed one's own, the others' in their order."""
    names = list(dict.fromkeys(models))
    others = [name for name in names if name != _DEPLOYED_MODEL]
    return {
        name: DEPLOYED if name == _DEPLOYED_MODEL else _COLOURS[others.index(name) % len(_COLOURS)]
        for name in names
    }


def markers(names: Iterable[str]) -> dict[str, str]:
    """Return a marker for each of ``names``, in their order."""
    return {name: _MARKERS[i % len(_MARKERS)] for i, name in enumerate(dict.fromkeys(names))}


def styles(models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return line, marker and colour for each model."""
    return {
        name: {
            "linestyle": _LINES[place % len(_LINES)],
            "marker": _MARKERS[place % len(_MARKERS)],
            "color": colour,
        }
        for place, (name, colour) in enumerate(colours(models).items())
    }


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Return ``values`` moved up as little as keeps ``gap`` between each two, in their order."""
    moved = list(values)
    last = float("-inf")
    for place in sorted(range(len(values)), key=lambda i: values[i]):
        last = moved[place] = max(values[place], last + gap)
    return moved


def mark(shape: str, fill: str, size: float, label: str) -> Line2D:
    """Return a black mark for a legend."""
    return Line2D(
        *([], []),
        marker=shape,
        linestyle="",
        color="black",
        markerfacecolor=fill,
        markersize=size,
        label=label,
    )


def sized(shape: str, area: float) -> float:
    """Return the ``s`` with which ``shape`` covers ``area``, both in points squared.

    Of the same ``s`` a triangle covers half of what a square does.
    """
    style = MarkerStyle(shape)
    path = style.get_path().transformed(style.get_transform() + Affine2D().scale(_FINE))
    (corners,) = path.to_polygons()
    x, y = np.asarray(corners).T
    unit = abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2 / _FINE**2
    return float(area / unit)


def decades(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic with its ticks in plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    subs = (1, 2, 5) if high / low > _WIDE else (1, 2, 3, 5)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def plain(axes: Axes, grid: Literal["both", "x", "y"] = "both") -> None:
    """Leave the axes two spines and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)
