"""Accuracy against latency: which variants no other one beats in both."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.figures import marks
from benchmarks.figures.marks import Row
from benchmarks.results import run_with

_AREA, _AREA_PER_MEGABYTE = 30.0, 22.0
"""Points squared: of a file of nothing, and for each megabyte of it."""
_LEAST_SPAN = 2.0
"""Points of accuracy that the axis covers at the least, so that noise does not look like a gap."""
_LETTERS = 70
"""In a line of a panel's title."""
_LABEL_SETS: tuple[tuple[str, Callable[[Mapping[str, Any]], Any]], ...] = (
    ("FER2013's labels", lambda accuracy: accuracy),
    ("FER+ majority", lambda accuracy: accuracy["votes"]),
)


def accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Draw top-1 against the p50 of one face at one thread, a panel for each set of labels.

    Area is the size of the file, the marker the variant, a line the Pareto front. ``rows`` ran at
    one thread and have an accuracy.
    """
    panels = [
        (title, part) for title, part in _LABEL_SETS if all(part(row["accuracy"]) for row in rows)
    ]
    figure = Figure(figsize=(marks.WIDTH, 3.1 * len(panels) + 1.4), layout="constrained")
    every = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    times = [_milliseconds(row) for row in rows]
    for axes, (title, part) in zip(every, panels, strict=True):
        front = _panel(axes, rows, [100 * part(row["accuracy"])["top1"] for row in rows])
        names = textwrap.fill("Pareto front: " + "; ".join(map(_unbroken, front)), _LETTERS)
        axes.set_title(f"{title}\n{names}", fontsize=9)
        axes.set_ylabel("top-1, %")
    # A quarter of the axis is for the names.
    span = max(1.5, max(times) / min(times))
    marks.decades(every[-1], min(times) / span**0.3, max(times) * span**0.1)
    every[-1].set_xlabel("milliseconds for one face, one thread, p50, logarithmic")
    _legend(figure, rows)
    return figure


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of those ``(milliseconds, accuracy)`` that no other beats, fastest first.

    Beaten is what another one is no slower and no less accurate than, and better in one.
    """
    front: list[int] = []
    for place in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if not front or points[place][1] > points[front[-1]][1]:
            front.append(place)
    return front


def _panel(axes: Axes, rows: Sequence[Row], shares: Sequence[float]) -> list[str]:
    """Draw a point for each row and the front; return the names of those on it."""
    colours = marks.colours(row["model"] for row in rows)
    shapes = marks.markers(row["variant"] for row in rows)
    points = list(zip(map(_milliseconds, rows), shares, strict=True))
    front = pareto(points)
    line = zip(*(points[i] for i in front), strict=True)
    axes.step(*line, where="post", color="black", linestyle="--", linewidth=1)
    for place, (row, point) in enumerate(zip(rows, points, strict=True)):
        axes.scatter(
            *point,
            s=_AREA + _AREA_PER_MEGABYTE * (row["bytes"] or 0) / 1e6,
            marker=shapes[row["variant"]],
            # Hollow, so that two in one place are both seen.
            facecolors=colours[row["model"]] if row["deployed"] else "none",
            edgecolors=colours[row["model"]],
            linewidths=1.9 if place in front else 1.0,
        )
    middle, half = (max(shares) + min(shares)) / 2, (max(shares) - min(shares)) / 2
    half = max(half, _LEAST_SPAN / 2)
    axes.set_ylim(middle - 1.25 * half, middle + 1.25 * half)
    firsts = {
        model: min(point for row, point in zip(rows, points, strict=True) if row["model"] == model)
        for model in colours
    }
    heights = marks.spread([share for _, share in firsts.values()], 0.16 * half)
    for (model, (left, _)), height in zip(firsts.items(), heights, strict=True):
        axes.annotate(
            model,
            (left, height),
            (-11, 0),
            textcoords="offset points",
            va="center",
            ha="right",
            color=colours[model],
        )
    marks.plain(axes)
    return [rows[i]["name"] for i in front]


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    """Name the shapes, the sizes and the front below the panels."""
    shapes = marks.markers(row["variant"] for row in rows)
    entries = [marks.mark(shape, "none", 7, variant) for variant, shape in shapes.items()]
    entries += [
        marks.mark("o", "none", (_AREA + _AREA_PER_MEGABYTE * size) ** 0.5, f"{size} MB")
        for size in (1, 4, 10)
    ]
    if any(row["deployed"] for row in rows):
        entries.append(marks.mark("o", marks.DEPLOYED, 7, "filled: deployed"))
    entries.append(Line2D([], [], color="black", linestyle="--", label="Pareto front (thick)"))
    figure.legend(handles=entries, loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _unbroken(name: str) -> str:
    """``name`` with blanks at which no line ends."""
    return name.replace(" ", "\xa0")


def _milliseconds(row: Row) -> float:
    run = run_with(row)
    assert run is not None, "the caller gives rows that were measured"
    return float(run["face_ms"]["p50"])
