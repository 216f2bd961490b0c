"""How the latencies of one face are distributed, from the raw samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.figures import marks
from benchmarks.figures.marks import Row
from benchmarks.results import run_with
from benchmarks.uncertainty import flat, percentiles

_PER_DECADE = 60
"""Bins of the shapes."""
_HEIGHT = 0.75
"""Of a shape, where 1 is the distance of two rows."""
_THREADS = {2: "d", 4: "s"}
Samples = Mapping[str, Any]


def latency_figure(rows: Sequence[Row], samples: Sequence[Samples]) -> Figure:
    """Draw the distribution at one thread for each of ``rows``, with p50, p95 and p99.

    Of too few samples there is no p95 or p99. A hollow mark is the p50 at more threads.
    ``samples`` has the times of each row.
    """
    times = {
        sample["subject"]: np.asarray(flat(sample["face_ms"]))
        for sample in samples
        if sample.get("threads") == 1 and sample.get("face_ms")
    }
    shown = [row for row in rows if row["name"] in times]
    figure = Figure(figsize=(marks.WIDTH, 0.38 * len(shown) + 1.5), layout="constrained")
    axes = figure.subplots()
    colours = marks.colours(row["model"] for row in shown)
    ends = []
    for place, row in enumerate(shown):
        own = times[row["name"]]
        _shape(axes, own, place, colours[row["model"]])
        ends += [*np.percentile(own, (0.2, 99.8)), *_more_threads(axes, row, place)]
    marks.decades(axes, min(ends) / 1.25, max(ends) * 1.25)
    axes.set_ylim(len(shown) - 0.4, -1.0)
    axes.set_yticks(range(len(shown)), [row["name"] for row in shown], fontsize=9)
    for row, label in zip(shown, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if row["deployed"] else "normal")
    axes.set_xlabel("ms for one face, logarithmic (bold: deployed)")
    marks.plain(axes, "x")
    _legend(figure, [n for n in _THREADS if any(run_with(row, n) for row in shown)])
    return figure


def density(times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places (milliseconds) and heights (the highest is 1) of a shape of ``times``.

    A histogram over the logarithm, smoothed over three bins; 99.6 % of the times are in it.
    """
    low, high = np.log10(np.percentile(times, (0.2, 99.8)))
    count = max(3, int((high - low) * _PER_DECADE))
    heights, edges = np.histogram(np.log10(times), count, (low, high + 1e-9))
    smooth = np.convolve(heights, (0.25, 0.5, 0.25), "same")
    return 10 ** ((edges[:-1] + edges[1:]) / 2), smooth / smooth.max()


def _shape(axes: Axes, times: NDArray[np.float64], place: int, colour: str) -> None:
    places, heights = density(times)
    axes.fill_between(places, place, place - _HEIGHT * heights, color=colour, alpha=0.35, lw=0)
    axes.plot(places, place - _HEIGHT * heights, color=colour, linewidth=0.9)
    known = percentiles(times.tolist())
    tails = [known[p] for p in ("p95", "p99") if known[p] is not None]
    drawn = [known["p50"], *tails]
    axes.plot(drawn, [place] * len(drawn), color="black", linewidth=0.8)
    axes.plot(known["p50"], place, "o", color="black", markersize=4.5)
    axes.plot(tails, [place] * len(tails), "|", color="black", markersize=7)


def _more_threads(axes: Axes, row: Row, place: int) -> list[float]:
    """Draw the p50 at more threads; return what was drawn."""
    drawn = []
    for threads, shape in _THREADS.items():
        if run := run_with(row, threads):
            drawn.append(run["face_ms"]["p50"])
            axes.plot(drawn[-1], place, shape, color="black", markerfacecolor="none", markersize=5)
    return drawn


def _legend(figure: Figure, more: Sequence[int]) -> None:
    entries = [
        marks.mark("o", "black", 4.5, "p50"),
        marks.mark("|", "black", 7, "p95, p99"),
    ]
    entries += [marks.mark(_THREADS[n], "none", 5, f"p50, {n} threads") for n in more]
    figure.legend(handles=entries, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
