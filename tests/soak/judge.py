"""What a soak found: figures, what is wrong with them, and a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import theilslopes

from tests.soak.faults import Fault
from tests.soak.watch import Sample
from train.tables import markdown

MOST_MIB_PER_HOUR = 1.0
MOST_RISE = 1
"""Of the median of descriptors, threads and temporary files, from the first tenth to the last."""
MOST_AGE_MS = 250.0
JUDGED_FROM = 1.0
"""Hours from which on a slope says something: the allocator's steps are some 0.1 MiB each."""
_COUNTS = ("descriptors", "threads", "temporary_files")
_WARM_UP, _WARM_SHARE = 900.0, 0.1
"""Seconds until memory is that of a run that lasts, or the share of a short one: a run keeps the
times of its newest 10,000 frames, 3 MiB, which a camera brings in 11 minutes and more."""
_MOST_POINTS = 2000
"""Whose pairs a slope is the median of."""
_AGES = (50, 95, 99)
_COLOURS = {"file": "#8c6d1f", "live": "#0b6e4f"}


def held(rows: Sequence[Sample]) -> dict[str, Any]:
    """Return how the memory and the counts of one process went; ``rows`` are in order.

    Nothing where there are none, as of a process that ended at once.
    """
    if not rows:
        return {}
    last = rows[-1].seconds
    warm = [row for row in rows if row.seconds >= min(_WARM_UP, _WARM_SHARE * last)]
    tenth = max(len(warm) // 10, 1)
    thin = warm[:: -(-len(warm) // _MOST_POINTS)]
    hours = np.array([row.seconds for row in thin]) / 3600
    slope, _, low, high = (
        theilslopes([row.resident_mib for row in thin], hours)
        if len(thin) > 1
        else (0.0, 0.0, 0.0, 0.0)
    )
    found: dict[str, Any] = {
        "mib_per_hour": round(float(slope), 3),
        "mib_per_hour_95": [round(float(low), 3), round(float(high), 3)],
        "resident_mib": [
            _median(warm[:tenth], "resident_mib"),
            _median(warm[-tenth:], "resident_mib"),
        ],
    }
    for name in _COUNTS:
        first, end = _median(warm[:tenth], name), _median(warm[-tenth:], name)
        found[name] = {"first": first, "last": end, "most": max(getattr(row, name) for row in rows)}
    return found


def _median(rows: Sequence[Sample], name: str) -> float:
    return round(float(np.median([getattr(row, name) for row in rows])), 2)


def age(times: Sequence[float], ages: Sequence[float], faults: Sequence[Fault]) -> dict[str, Any]:
    """Return percentiles of ``ages`` (ms) that came at ``times`` (s) while nothing was wrong."""
    when, values = np.array(times[: len(ages)]), np.array(ages[: len(times)])
    free = when >= min(_WARM_UP, _WARM_SHARE * max(when, default=0.0))
    for fault in faults:
        free &= (when < fault.began) | (when > fault.settled)
    kept: NDArray[np.float64] = values[free]
    if not len(kept):
        return {"results": 0}
    cuts = {f"p{cut}": round(float(np.percentile(kept, cut)), 1) for cut in _AGES}
    return {"results": len(kept), **cuts, "most": round(float(kept.max()), 1)}


def outages(times: Sequence[float], faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """Return the faults, each with the seconds from its end to the first result after it."""
    when = np.array(times)
    told = []
    for fault in faults:
        after = when[when > fault.ended]
        back = round(float(after[0] - fault.ended), 1) if len(after) else None
        told.append(
            {name: _rounded(value) for name, value in asdict(fault).items()} | {"back_after": back}
        )
    return told


def _rounded(value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) else value


def problems(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the ``figures`` of a soak."""
    for name, run in figures["runs"].items():
        if "mib_per_hour" not in run:
            yield f"{name}: ended at once, exit code {run['code']}: {run['said']}"
            continue
        if run["code"] != run["right_code"]:
            yield f"{name}: exit code {run['code']}, {run['right_code']} is right"
        for line in run["unhandled"]:
            yield f"{name}: on standard error: {line}"
        if figures["hours"] >= JUDGED_FROM and run["mib_per_hour"] > MOST_MIB_PER_HOUR:
            yield f"{name}: grows by {run['mib_per_hour']} MiB/h, {MOST_MIB_PER_HOUR:g} is right"
        for what in _COUNTS:
            if run[what]["last"] - run[what]["first"] > MOST_RISE:
                yield f"{name}: {what} rose from {run[what]['first']:g} to {run[what]['last']:g}"
    if figures["age_ms"].get("p99", np.inf) > MOST_AGE_MS:
        yield f"picture age: p99 {figures['age_ms'].get('p99')} ms, {MOST_AGE_MS:g} is right"
    for fault in figures["faults"]:
        if fault["back_after"] is None and fault is not figures["faults"][-1]:
            yield f"{fault['kind']} at {fault['began']} s: no result came after it"


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table with a line that says how it was made."""
    columns = ("run", "frames", "MiB an hour (95 %)", "MiB resident", *_COUNTS)
    rows = [
        (
            *(name, f"{run['frames']:,}"),
            f"{run['mib_per_hour']:.2f} ({run['mib_per_hour_95'][0]:.2f} to "
            f"{run['mib_per_hour_95'][1]:.2f})",
            f"{run['resident_mib'][0]:.0f} to {run['resident_mib'][1]:.0f}",
            *(f"{run[name]['first']:g} to {run[name]['last']:g}" for name in _COUNTS),
        )
        for name, run in figures["runs"].items()
    ]
    ages = figures["age_ms"]
    back = max((fault["back_after"] or 0.0 for fault in figures["faults"]), default=0.0)
    problems = "; ".join(figures["problems"]) or "none"
    return (
        f"{markdown(columns, rows)}\n\nA picture's age outside faults: p50 {ages.get('p50')} ms, "
        f"p95 {ages.get('p95')}, p99 {ages.get('p99')}, of {ages['results']:,} results. After "
        f"{len(figures['faults'])} faults results were back within {back:.1f} s. Problems: "
        f"{problems}. Written by `make soak` in {figures['hours']:.1f} hours on "
        f"{figures['machine']} (commit {figures['commit']}, {figures['date']}).\n"
    )


def draw(
    path: Path,
    rows: Mapping[str, Sequence[Sample]],
    times: Sequence[float],
    ages: Sequence[float],
    faults: Sequence[Fault],
) -> None:
    """Write the plot: memory, descriptors and threads of each process, and the picture age."""
    figure = Figure(figsize=(9, 9), layout="constrained")
    panels = figure.subplots(4, sharex=True)
    labels = ("resident memory, MiB", "descriptors", "threads")
    for panel, name, label in zip(panels, ("resident_mib", *_COUNTS), labels, strict=False):
        for process, own in rows.items():
            minutes = [row.seconds / 60 for row in own]
            values = [getattr(row, name) for row in own]
            panel.plot(minutes, values, color=_COLOURS.get(process), lw=1, label=process)
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0)
    count = min(len(times), len(ages))
    minutes = np.array(times[:count]) / 60
    panels[3].plot(minutes, ages[:count], ".", color=_COLOURS["live"], ms=1, rasterized=True)
    panels[3].axhline(MOST_AGE_MS, color="#444444", lw=0.8, ls="--")
    panels[3].set(ylabel="picture age, ms", xlabel="minutes", yscale="log")
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        for fault in faults:
            panel.axvspan(fault.began / 60, fault.ended / 60, color="#c9a9c0", alpha=0.5, lw=0)
    panels[0].legend(frameon=False, loc="lower right", ncols=2)
    panels[0].set_title("Faults are shaded; the dashed line is the limit of the 99th percentile")
    figure.savefig(path, dpi=110, metadata={"Software": None})
