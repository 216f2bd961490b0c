"""Accuracy against latency: which variants no other one beats in both."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from benchmarks.figures import marks
from benchmarks.figures.marks import Row
from benchmarks.results import run_with

_AREA = 22.0
"""Of a mark, in points squared for each megabyte of the file."""
_AIR = 2.0
"""Points between two marks."""
_LINE: dict[str, Any] = {"arrowstyle": "-", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
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

    Area is the size of the file, the marker the variant, a line the Pareto front. A mark that would
    cover another is moved up, and a line leads to its place. ``rows`` ran at one thread and have an
    accuracy.
    """
    panels = [
        (title, part) for title, part in _LABEL_SETS if all(part(row["accuracy"]) for row in rows)
    ]
    figure = Figure(figsize=(marks.WIDTH, 3.1 * len(panels) + 1.4), layout="constrained")
    every = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    times = [_milliseconds(row) for row in rows]
    for axes, (title, part) in zip(every, panels, strict=True):
        front = _panel(axes, rows, _shares(rows, part))
        names = textwrap.fill("Pareto front: " + "; ".join(map(_unbroken, front)), _LETTERS)
        axes.set_title(f"{title}\n{names}", fontsize=9)
        axes.set_ylabel("top-1, %")
    # A quarter of the axis is for the names.
    span = max(1.5, max(times) / min(times))
    marks.decades(every[-1], min(times) / span**0.3, max(times) * span**0.1)
    every[-1].set_xlabel("milliseconds for one face, one thread, p50, logarithmic")
    _legend(figure, rows)
    figure.draw_without_rendering()  # from here on it is known how far two places are apart
    for axes, (_, part) in zip(every, panels, strict=True):
        _marks(axes, rows, _shares(rows, part))
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


def lifts(places: Sequence[tuple[float, float]], radii: Sequence[float]) -> list[int]:
    """Return by how many points each mark is moved up so that none covers another.

    ``places`` and ``radii`` are in points; the largest stay where they are.
    """
    moved: dict[int, int] = {}
    for own in sorted(range(len(places)), key=lambda place: -radii[place]):
        lift = 0
        while any(
            math.dist(_up(places[own], lift), _up(places[other], by))
            < radii[own] + radii[other] + _AIR
            for other, by in moved.items()
        ):
            lift += 1
        moved[own] = lift
    return [moved[place] for place in range(len(places))]


def _up(place: tuple[float, float], by: float) -> tuple[float, float]:
    return place[0], place[1] + by


def _panel(axes: Axes, rows: Sequence[Row], shares: Sequence[float]) -> list[str]:
    """Draw the front and the names of the models; return the names of those on the front."""
    colours = marks.colours(row["model"] for row in rows)
    points = list(zip(map(_milliseconds, rows), shares, strict=True))
    middle, half = (max(shares) + min(shares)) / 2, (max(shares) - min(shares)) / 2
    half = max(half, _LEAST_SPAN / 2)
    axes.set_ylim(middle - 1.25 * half, middle + 1.35 * half)
    front = pareto(points)
    places, heights = zip(*(points[i] for i in front), strict=True)
    # From the bottom of the panel to its right end: what lies above and left of it is better.
    axes.step(
        (places[0], *places, 1e3 * places[-1]),
        (0, *heights, heights[-1]),
        where="post",
        color="black",
        linestyle="--",
        linewidth=1,
    )
    # The names stand left of the fastest, where nothing else is drawn.
    firsts = {
        model: next(s for row, s in zip(rows, shares, strict=True) if row["model"] == model)
        for model in colours
    }
    levels = marks.spread(list(firsts.values()), 0.16 * half)
    for model, level in zip(firsts, levels, strict=True):
        axes.annotate(
            model,
            (places[0], level),
            (-14, 0),
            textcoords="offset points",
            va="center",
            ha="right",
            color=colours[model],
        )
    marks.plain(axes)
    return [rows[i]["name"] for i in front]


def _marks(axes: Axes, rows: Sequence[Row], shares: Sequence[float]) -> None:
    """Draw a mark for each row."""
    colours = marks.colours(row["model"] for row in rows)
    shapes = marks.markers(row["variant"] for row in rows)
    points = list(zip(map(_milliseconds, rows), shares, strict=True))
    front = pareto(points)
    sizes = [marks.sized(shapes[row["variant"]], _area(row["bytes"] or 0)) for row in rows]
    scale = axes.figure.dpi_scale_trans
    places = [tuple(scale.inverted().transform(axes.transData.transform(p)) * 72) for p in points]
    moved = lifts(places, [size**0.5 / 2 for size in sizes])
    for place, (row, point, lift) in enumerate(zip(rows, points, moved, strict=True)):
        colour = colours[row["model"]]
        if lift:
            line = _LINE | {"color": colour}
            axes.annotate("", point, (0, lift), textcoords="offset points", arrowprops=line)
        axes.scatter(
            *point,
            s=sizes[place],
            marker=shapes[row["variant"]],
            facecolors=colour if row["deployed"] else "white",
            edgecolors=colour,
            linewidths=1.9 if place in front else 1.0,
            transform=axes.transData + ScaledTranslation(0, lift / 72, scale),
            zorder=3,
        )


def _shares(rows: Sequence[Row], part: Callable[[Mapping[str, Any]], Any]) -> list[float]:
    return [100 * part(row["accuracy"])["top1"] for row in rows]


def _area(size: float) -> float:
    return _AREA * size / 1e6


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    """Name the shapes, the sizes and the front below the panels."""
    shapes = marks.markers(row["variant"] for row in rows)
    entries = [marks.mark(shape, "none", 7, variant) for variant, shape in shapes.items()]
    entries += [
        marks.mark("o", "none", marks.sized("o", _area(1e6 * size)) ** 0.5, f"{size} MB")
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
