"""The figures, all from the results file; they say the same without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from benchmarks.results import run_with

Row = Mapping[str, Any]
_THREADS = (1, 2)
_DEPLOYED, _OTHER = "#0b6e4f", "#6b7a8f"
_COLOURS = ("#8c6d1f", "#5b6c8f", "#7a3b69", "#444444")
"""Of the other models, in the order of the rows."""
_MARKERS = "osD^vP*X"
"""Of the variants, in the order in which they come."""
_LEAST_SPAN = 2.0
"""Points of accuracy that the axis covers at the least, so that noise does not look like a gap."""


def latency_figure(rows: Sequence[Row]) -> Figure:
    """Draw p50 as a dot with p95 as whisker for one face, one for each number of threads."""
    figure = Figure(figsize=(8, 0.42 * len(rows) + 1.6), layout="constrained")
    axes = figure.subplots()
    everything = []
    for place, row in enumerate(rows):
        for threads in _THREADS:
            run = run_with(row, threads)
            if run is None:
                continue
            times, y = run["face_ms"], place + 0.36 * (threads - 1.5)
            everything += times.values()
            colour = _DEPLOYED if row["deployed"] else _OTHER
            face = colour if threads == 1 else "white"
            axes.plot([times["p50"], times["p95"]], [y, y], color=colour, linewidth=1.2)
            axes.plot(times["p50"], y, "o", color=colour, markerfacecolor=face, markersize=6)
            axes.text(times["p95"], y, f"  {times['p50']:.2f}", va="center", fontsize=7.5)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _decades(axes, min(everything) / 1.5, max(everything) * 2)
    axes.set_xlabel("milliseconds for one face, logarithmic: p50 (dot, figure) to p95 (line)")
    axes.set_title("Latency of the classifier")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    _legend(axes, {"1 thread": ("o", _OTHER, _OTHER), "2 threads": ("o", _OTHER, "white")})
    return figure


def accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Draw top-1 against the p50 of one face at one thread: colour by model, marker by variant."""
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    shown = {row["model"] for row in rows if row["deployed"]}
    others = (name for name in dict.fromkeys(row["model"] for row in rows) if name not in shown)
    colours = dict.fromkeys(shown, _DEPLOYED) | dict(zip(others, _COLOURS, strict=False))
    markers = dict(zip(dict.fromkeys(row["variant"] for row in rows), _MARKERS, strict=False))
    times = []
    for row in rows:
        run = run_with(row)
        assert run is not None, "the caller gives rows that were measured"
        times.append(run["face_ms"]["p50"])
        colour = colours[row["model"]]
        axes.plot(
            times[-1],
            100 * row["accuracy"]["top1"],
            markers[row["variant"]],
            markersize=9,
            # Hollow, so that two in one place are both seen.
            markerfacecolor=colour if row["deployed"] else "none",
            markeredgecolor=colour,
            markeredgewidth=1.5,
        )
    low, high = axes.get_ylim()
    middle, half = (low + high) / 2, max(high - low, _LEAST_SPAN) / 2
    axes.set_ylim(middle - half, middle + half)
    for model, colour in colours.items():
        first = next(i for i, row in enumerate(rows) if row["model"] == model)
        place = (times[first], 100 * rows[first]["accuracy"]["top1"])
        axes.annotate(model, place, (0, 9), textcoords="offset points", ha="center", color=colour)
    _decades(axes, min(times) / 1.5, max(times) * 1.7)
    axes.set_xlabel("milliseconds for one face, one thread, p50, logarithmic")
    axes.set_ylabel("top-1 on the validation split, %")
    axes.set_title("Accuracy against latency (filled: deployed)")
    axes.grid(alpha=0.3)
    _legend(axes, {variant: (marker, "black", "none") for variant, marker in markers.items()})
    return figure


def _legend(axes: Axes, entries: Mapping[str, tuple[str, str, str]]) -> None:
    """Name marks of a shape, a colour and a fill beside the axes."""
    marks = [
        Line2D([], [], marker=shape, linestyle="", color=colour, markerfacecolor=fill, label=label)
        for label, (shape, colour, fill) in entries.items()
    ]
    axes.legend(handles=marks, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _name(row: Row) -> str:
    return f"{row['name']} (deployed)" if row["deployed"] else str(row["name"])


def _decades(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis with its ticks in plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
