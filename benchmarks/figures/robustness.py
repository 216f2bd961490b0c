"""Top-1 under disturbances of growing strength, a panel for each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import marks
from benchmarks.robustness import NONE

_COLUMNS = 2
_LETTERS = 9
"""In a line of a tick's label."""
_MINUS = "−"


def robustness_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw what ``robustness.measure`` found: a panel a corruption, a line a model."""
    undisturbed = next(row for row in rows if row["corruption"] == NONE)
    names = [name for name in dict.fromkeys(row["corruption"] for row in rows) if name != NONE]
    height = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(marks.WIDTH, 1.95 * height + 0.6), layout="constrained")
    panels = figure.subplots(height, _COLUMNS, squeeze=False, sharey=True)
    for axes in panels.flat[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, names, strict=False):
        own = [row for row in rows if row["corruption"] == name]
        _panel(axes, ordered(own, undisturbed))
        axes.set_title(name, fontsize=10)
    for axes in panels[:, 0]:
        axes.set_ylabel("top-1, %")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure


def ordered(
    rows: Sequence[Mapping[str, Any]], undisturbed: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return ``rows`` with ``undisturbed`` where it belongs: after what is below zero."""
    below = sum(row["strength"].startswith(_MINUS) for row in rows)
    return [*rows[:below], undisturbed, *rows[below:]]


def _panel(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    places = range(len(rows))
    for name, style in marks.styles(rows[0]["top1"]).items():
        axes.plot(
            places,
            [100 * row["top1"][name] for row in rows],
            **style,
            markersize=4.5,
            markerfacecolor="none",
            linewidth=1.3,
            label=name,
        )
    strengths = [NONE if row["corruption"] == NONE else row["strength"] for row in rows]
    axes.set_xticks(places, [textwrap.fill(s, _LETTERS) for s in strengths], fontsize=8)
    axes.set_xlim(-0.45, len(rows) - 0.55)
    axes.set_ylim(bottom=0)
    marks.plain(axes)
