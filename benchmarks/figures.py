"""The drawings of the report, all from the results files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.calibration import Calibration, Judged, Point
from benchmarks.candidates import DEPLOYED_MODEL
from benchmarks.material import Material
from benchmarks.photographs import Photographs
from benchmarks.results import Bench, Row, Score, Stages
from benchmarks.search import CAMERAS, Recall, metres
from edge.files import replace_with
from edge.types import STAGES
from train.report import confusion_figure

_WIDTH = 7.0
"""Inches."""
_DEPLOYED = "#0b6e4f"
_COLOURS = ("#8c6d1f", "#5b6c8f", "#7a3b69", "#444444")
_MARKERS = "PXo^vDs*"
_LINES = ("-", "--", "-.", ":")
_STAGE_LOOKS = (("#9fb0c9", ""), ("#f0e6cb", "---"), ("#6fb39a", "////"), ("#c9a9c0", "xxxx"))
_LEGEND: dict[str, Any] = {"loc": "outside lower center", "frameon": False, "fontsize": 9}


def draw(folder: Path, material: Material) -> list[Path]:
    """Write every figure that ``material`` has results for; returns the paths."""
    written = []
    for name, figure in figures(material):
        path = folder / name
        with replace_with(path) as file:
            figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
        written.append(path)
    return written


def figures(material: Material) -> Iterator[tuple[str, Figure]]:
    """Yield the file name and the drawing of each figure."""
    for run in material.benches:
        yield from _of_device(run, material)
    if material.evaluation:
        rows = material.evaluation.calibration
        yield "reliability.png", reliability(rows)
        yield "coverage.png", coverage(rows)
        yield "search.png", search(material.evaluation.search)
    if material.photographs:
        results = material.photographs.results
        yield "photographs.png", coverage({name: own.certainty for name, own in results.items()})
        yield "photographs-confusion.png", confusion(material.photographs)


def _of_device(run: Bench, material: Material) -> Iterator[tuple[str, Figure]]:
    timed = [row for row in run.rows if row.at()]
    points = [(row, own.whole) for row in timed if (own := material.accuracy(row))]
    if points:
        yield f"{run.device}-accuracy.png", accuracy(points)
    if run.loop:
        yield f"{run.device}-stages.png", stages(run.loop.stages)


def colours(models: Iterable[str]) -> dict[str, str]:
    """Return a colour for each model: the deployed one's own, the others' in their order."""
    names = list(dict.fromkeys(models))
    others = [name for name in names if name != DEPLOYED_MODEL.stem]
    return {
        name: _DEPLOYED if name not in others else _COLOURS[others.index(name) % len(_COLOURS)]
        for name in names
    }


def accuracy(points: Sequence[tuple[Row, Score]]) -> Figure:
    """Draw top-1 against the p50 of one face; filled: deployed, dashed: the Pareto front."""
    shares = {"FER2013's labels": [score.top1.value for _, score in points]}
    votes = [score.votes_top1.value for _, score in points if score.votes_top1]
    if len(votes) == len(points):
        shares["FER+ majority"] = votes
    figure = Figure(figsize=(_WIDTH, 4.6), layout="constrained")
    panels = figure.subplots(1, len(shares), squeeze=False)[0]
    rows = [row for row, _ in points]
    for axes, (title, heights) in zip(panels, shares.items(), strict=True):
        _scatter(axes, [(row, 100 * share) for row, share in zip(rows, heights, strict=True)])
        axes.set(title=title, xlabel="ms for one face (p50, logarithmic)")
    panels[0].set_ylabel("top-1, %")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, ncols=4, **_LEGEND)
    return figure


def _scatter(axes: Axes, points: Sequence[tuple[Row, float]]) -> None:
    shades = colours(row.model for row, _ in points)
    variants = list(dict.fromkeys(row.variant for row, _ in points))
    places = [(_ms(row), height) for row, height in points]
    for (row, _), (x, y) in zip(points, places, strict=True):
        colour = shades[row.model]
        marker = _MARKERS[variants.index(row.variant) % len(_MARKERS)]
        face = colour if row.deployed else "none"
        axes.plot(x, y, marker, color=colour, markerfacecolor=face, markersize=8)
    front = [places[i] for i in pareto(places)]
    axes.step(*zip(*front, strict=True), "--", where="post", color="black", linewidth=0.8)
    for model, colour in shades.items():
        axes.plot([], [], "s", color=colour, label=model)
    for variant in variants:
        marker = _MARKERS[variants.index(variant) % len(_MARKERS)]
        axes.plot([], [], marker, color="black", markerfacecolor="none", label=variant)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    _plain(axes)


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which ``(milliseconds, accuracy)`` no other beats in both, the fastest first."""
    front: list[int] = []
    for place in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if not front or points[place][1] > points[front[-1]][1]:
            front.append(place)
    return front


def stages(rows: Sequence[Stages]) -> Figure:
    """Draw the p50 of each stage of a frame, by the number of faces in it, and that of the whole.

    The whole one is more: there is work between the stages, too.
    """
    figure = Figure(figsize=(_WIDTH, 0.55 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        end = 0.0
        for stage, (colour, hatch) in zip(STAGES, _STAGE_LOOKS, strict=True):
            width = row.stages[stage].p50.value
            label = stage if place == 0 else None
            bars = axes.barh(place, width, 0.6, end, color=colour, edgecolor="black", label=label)
            bars[0].set(hatch=hatch, linewidth=0.5)
            end += width
        axes.text(end, place, f"  {row.frame.p50.value:.2f}", va="center")
    axes.set_yticks(range(len(rows)), [f"faces: {row.faces}" for row in rows])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds of a frame (p50); the number is that of the whole frame")
    _plain(axes)
    figure.legend(ncols=len(STAGES), **_LEGEND)
    return figure


def reliability(rows: Mapping[str, Calibration]) -> Figure:
    """Draw accuracy against confidence before and after temperature scaling, a column a model.

    The upper panels are by the labels, the lower ones by what most taggers say.
    """
    judged: list[tuple[str, Mapping[str, Judged]]] = [("FER2013's labels", rows)]
    if voted := {name: row.votes for name, row in rows.items() if row.votes}:
        judged.append(("most FER+ taggers", voted))
    figure = Figure(figsize=(3.2 * len(rows) + 0.6, 3.7 * len(judged)), layout="constrained")
    panels = figure.subplots(len(judged), len(rows), squeeze=False, sharex=True, sharey=True)
    for line, (judge, own) in zip(panels, judged, strict=True):
        line[0].set_ylabel(f"right by {judge}")
        for axes, (name, row) in zip(line, own.items(), strict=True):
            _reliability(axes, row)
            axes.set_title(name)
    for axes in panels[-1]:
        axes.set_xlabel("confidence")
    return figure


def _reliability(axes: Axes, row: Judged) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    for when, bins, error, marker, colour in (
        ("before", row.bins_before, row.error_before, "x", "#a05a2c"),
        ("after", row.bins_after, row.error_after, "o", _DEPLOYED),
    ):
        known = [each for each in bins if each.images >= 10]
        places = [each.confidence for each in known], [each.accuracy for each in known]
        label = f"{when}: ECE {error.value:.1%}"
        axes.plot(*places, marker=marker, color=colour, linewidth=1.2, label=label)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(loc="upper left", frameon=False, fontsize=8.5)
    axes.grid(alpha=0.3)


class Covered(Protocol):
    """Coverage and accuracy by threshold, and at the contract's."""

    @property
    def curve(self) -> Sequence[Point]:
        """The whole curve."""
        ...

    @property
    def coverage(self) -> float:
        """The share of the faces that are certain."""
        ...

    @property
    def accuracy_certain(self) -> float | None:
        """What is right of them."""
        ...


def coverage(rows: Mapping[str, Covered]) -> Figure:
    """Draw the accuracy of the certain labels against their share; a ring: the threshold."""
    figure = Figure(figsize=(_WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    shades = colours(rows)
    for index, (name, row) in enumerate(rows.items()):
        places = (
            [100 * point.coverage for point in row.curve],
            [100 * point.accuracy for point in row.curve],
        )
        axes.plot(*places, _LINES[index % len(_LINES)], color=shades[name], label=name)
        if row.accuracy_certain is not None:
            here = 100 * row.coverage, 100 * row.accuracy_certain
            axes.plot(*here, "o", markersize=9, markerfacecolor="none", color=shades[name])
    axes.set_xlabel("share of the faces whose label is certain, %")
    axes.set_ylabel("right among these, %")
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def confusion(found: Photographs) -> Figure:
    """Draw the deployed model's confusion matrix on photographs, all labels."""
    own = found.results[found.deployed]
    figure = confusion_figure(np.array(own.confusion), own.labels)
    for axes, what in zip(figure.axes, ("faces", "share of the label"), strict=True):
        axes.set_title(f"{found.deployed}, photographs: {what}")
    return figure


def search(rows: Sequence[Recall]) -> Figure:
    """Draw the share of faces found against their size, and the metres that this is."""
    figure = Figure(figsize=(_WIDTH, 4.8), layout="constrained")
    axes = figure.subplots()
    curves = list(dict.fromkeys((row.detector, row.search) for row in rows))
    for index, (detector, searched) in enumerate(curves):
        own = [row for row in rows if (row.detector, row.search) == (detector, searched)]
        places = [100 * row.share for row in own], [100 * row.found / row.faces for row in own]
        label = f"{detector}, {'search' if searched else 'the whole frame alone'}"
        colour = _DEPLOYED if index < 2 else _COLOURS[1]
        axes.plot(*places, "-" if searched else "--", marker="o", color=colour, label=label)
    axes.set_xscale("log")
    shares = sorted({row.share for row in rows})
    axes.set_xticks([100 * share for share in shares], [f"{share:.0%}" for share in shares])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(
        xlabel="height of the face in heights of the picture", ylabel="found, %", ylim=(0, 102)
    )
    for place, degrees in zip((1.0, 1.16), CAMERAS, strict=True):
        above = axes.secondary_xaxis(place)
        above.set_xticks(
            [100 * share for share in shares],
            [f"{metres(share, degrees):.1f}" for share in shares],
            fontsize=8,
        )
        above.xaxis.set_minor_locator(NullLocator())
        above.set_xlabel(f"metres away with a camera of {degrees}°", fontsize=9)
    figure.legend(ncols=2, **_LEGEND)
    _plain(axes)
    return figure


def _ms(row: Row) -> float:
    times = row.at()
    assert times, "only rows that were timed are drawn"
    return times.p50.value


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
