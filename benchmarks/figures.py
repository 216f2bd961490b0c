"""The figures, all from the results file; they say the same without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.results import run_with

Row = Mapping[str, Any]
_THREADS = (1, 2)
_COLOURS = {True: "#0b6e4f", False: "#6b7a8f"}
_HATCHES = {1: "", 2: "////"}
_MARKERS = "osD^vP*X"
_LEAST_SPAN = 2.0
"""Points of accuracy that the axis covers at the least, so that noise does not look like a gap."""


def latency_figure(rows: Sequence[Row]) -> Figure:
    """Draw p50 with p95 as whisker for one face, a bar for each number of threads."""
    figure = Figure(figsize=(8, 0.75 * len(rows) + 1.5), layout="constrained")
    axes = figure.subplots()
    shown = [
        (place, threads, row["deployed"], run["face_ms"])
        for place, row in enumerate(rows)
        for threads in _THREADS
        if (run := run_with(row, threads))
    ]
    for place, threads, deployed, times in shown:
        y = place + 0.4 * (threads - 1.5)
        colour, hatch = _COLOURS[deployed], _HATCHES[threads]
        axes.barh(y, times["p50"], height=0.38, color=colour, hatch=hatch, edgecolor="white")
        axes.plot([times["p50"], times["p95"]], [y, y], color="black", linewidth=1)
        axes.text(times["p95"], y, f"  {times['p50']:.2f} ms", va="center", fontsize=8.5)
    for threads in _THREADS:
        label = f"{threads} thread" + "s" * (threads > 1)
        axes.barh(0, 0, color=_COLOURS[False], hatch=_HATCHES[threads], ec="white", label=label)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    everything = [time for *_, times in shown for time in times.values()]
    _decades(axes, min(everything) / 2, max(everything) * 3)
    axes.set_xlabel("milliseconds for one face, logarithmic: p50 (bar) to p95 (line)")
    axes.set_title("Latency of the classifier")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    return figure


def accuracy_figure(rows: Sequence[Row]) -> Figure:
    """Draw top-1 against the p50 of one face at one thread."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    times = []
    for marker, row in zip(_MARKERS, rows, strict=False):
        run = run_with(row)
        assert run is not None, "the caller gives rows that were measured"
        times.append(run["face_ms"]["p50"])
        axes.plot(
            times[-1],
            100 * row["accuracy"]["top1"],
            marker,
            markersize=10,
            # Hollow, so that two in one place are both seen.
            markerfacecolor=_COLOURS[True] if row["deployed"] else "none",
            markeredgecolor=_COLOURS[row["deployed"]],
            markeredgewidth=1.6,
            label=f"{_name(row)}, {row['bytes'] / 1e6:.1f} MB",
        )
    low, high = axes.get_ylim()
    middle, half = (low + high) / 2, max(high - low, _LEAST_SPAN) / 2
    axes.set_ylim(middle - half, middle + half)
    _decades(axes, min(times) / 1.5, max(times) * 1.5)
    axes.set_xlabel("milliseconds for one face, one thread, p50, logarithmic")
    axes.set_ylabel("top-1 on the validation split, %")
    axes.set_title("Accuracy against latency")
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, labelspacing=1)
    return figure


def _name(row: Row) -> str:
    return f"{row['name']} (deployed)" if row["deployed"] else str(row["name"])


def _decades(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis with its ticks in plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
