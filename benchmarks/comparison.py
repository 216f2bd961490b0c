"""What became slower or less accurate between two runs on one machine, beyond the noise of both.

Two runs on a shared machine drift as a whole, by more than a regression is worth. So no time is
compared with its own of the other run, but what it is in each round as a multiple of a reference
that was measured in the same process and round (``benchmarks.reference``): a network whose file is
pinned and which runs without our code. The figure of a run is the median of these multiples over
its rounds, and that of a comparison the ratio of both runs' medians.

Its interval of 99 % draws whole rounds of each run (bootstrap, Davison and Hinkley 1997). What it
can't see is that a process may be faster or slower than the next of the same code, by where its
memory lies (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong!";
Kalibera and Jones 2013). So a difference counts only where the whole interval lies beyond 1.1 and
it makes 0.05 ms at the least. An update of the interpreter moves reference and figure alike and is
not seen: the versions of both runs are in their files.

A median says nothing of a stall in one frame of twenty. So p95 and p99 of the frames are compared
too, of all samples as multiples of the reference's median in their round, where they are enough for
such a percentile, and else not counted among what was compared; a difference counts beyond 1.5.

Detection at intervals has detection on every frame as its reference. A start, a camera's latency
and the throughput have none in each round but one before, after or between, and a difference counts
beyond 1.5. Load and first call happen once in a run: three times as long counts, once the drift of
all references is taken out, and of memory a tenth more. Of a camera it counts where it loses one
frame in twenty more than before. Of fewer than eight rounds nothing is concluded.

Accuracy is compared image by image, by McNemar's exact test at 1 %. What the earlier run measured
and the later one lacks is worse too: a change that breaks a part must not pass as one that costs
nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from benchmarks import results
from benchmarks.differences import (
    FREE_MARGIN,
    LEAST_ROUNDS,
    MARGIN,
    TAIL_MARGIN,
    TOO_FEW,
    Answers,
    Figure,
    Finding,
    Free,
    Once,
    Tail,
    Times,
)
from benchmarks.errors import BenchmarkError, ResultsError
from benchmarks.uncertainty import flat

_MEMORY = ("more memory", "less memory")
_TAIL = (95, 99)
_VERDICT = len("less accurate")
_DROPPED = ("more dropped", "less dropped")
Line = Mapping[str, Any]
Key = tuple[str, int]
Lines = Mapping[Key, Line]


def compare(base: Path, new: Path, *, fewer: bool = False) -> list[Finding]:
    """Compare the results at two paths, with the raw samples beside them.

    With ``fewer`` the later run was meant to measure less: what it lacks is said and no regression.
    Raises ``ResultsError``, and ``BenchmarkError`` where the two can't be compared.
    """
    _check(results.read(base), results.read(new))
    earlier, later = _lines(base), _lines(new)
    if not earlier.keys() & later.keys():
        raise BenchmarkError(
            f"{base} and {new}: expected figures of the same models, found none; "
            "measure the same models"
        )
    drift = _drift(earlier, later)
    try:
        found = [
            finding
            for key, line in earlier.items()
            for finding in _findings(_name(key), line, later.get(key), drift, fewer)
        ]
    except ResultsError as error:
        raise ResultsError(
            f"{base} or {new}: expected {error}; run '{results.COMMAND}' again"
        ) from error
    return sorted(found, key=lambda row: (not row.regression, row.what))


def _check(base: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    machines = base["device"]["name"], new["device"]["name"]
    if machines[0] != machines[1]:
        raise BenchmarkError(
            f"results: expected two runs on one machine, found {' and '.join(machines)}; "
            "measure both on one"
        )
    for which, result in (("earlier", base), ("later", new)):
        rounds = result["effort"]["rounds"]
        if rounds < LEAST_ROUNDS:
            raise BenchmarkError(
                f"results: expected {LEAST_ROUNDS} rounds or more, found {rounds} in the {which} "
                f"ones ({result['date']}); measure again with ARGS='--rounds {LEAST_ROUNDS}'"
            )
        if result["void"]:
            raise BenchmarkError(
                f"results: expected runs that count, found that of {result['date']} void "
                f"({result['void']}); measure again"
            )


def _lines(path: Path) -> Lines:
    samples = results.read_samples(path)
    return {(line["subject"], line.get("threads", 0)): line for line in samples}


def _name(key: Key) -> str:
    subject, threads = key
    return f"{subject}, {threads} {'thread' if threads == 1 else 'threads'}" if threads else subject


def _drift(earlier: Lines, later: Lines) -> float:
    """By how much the machine as a whole was slower in the later run, by what both have of it."""
    pairs = [
        (flat(earlier[key].get("reference_ms", ())), flat(later[key].get("reference_ms", ())))
        for key in earlier.keys() & later.keys()
    ]
    ratios = [statistics.median(new) / statistics.median(old) for old, new in pairs if old and new]
    return statistics.median(ratios) if ratios else 1.0


def _findings(
    name: str, base: Line, new: Line | None, drift: float, fewer: bool
) -> Iterator[Finding]:
    earlier = figures(base)
    if not earlier:
        return
    if new is None:
        yield _missing(name, "not in the later run", fewer)
    elif new.get("error"):
        yield Finding(name, "measured", "failed", np.nan, new["error"], "fails", regression=True)
    else:
        later = figures(new)
        for what, figure in earlier.items():
            own = later.get(what)
            if own is None:
                yield _missing(f"{name}: {what}", "not in the later run", fewer)
            else:
                yield figure.against(f"{name}: {what}", own, drift)  # type: ignore[arg-type]


def _missing(what: str, note: str, fewer: bool) -> Finding:
    return Finding(what, "measured", "–", np.nan, note, "missing", regression=not fewer)


def figures(line: Line) -> dict[str, Figure]:
    """Return what can be compared of a line of raw samples, by what people call it.

    Raises ``ResultsError`` where the line contradicts itself.
    """
    if line.get("error"):
        return {}
    found: dict[str, Figure] = {}
    pace = line.get("pace_ms", ())
    if "right" in line:
        found["top-1"] = Answers(line["images"], line["right"])
    if reference := line.get("reference_ms"):
        found.update(_timed(line, reference))
    if "reference_cost_ms" in line:  # most frames cost little and some much: means, not medians
        means = ([[statistics.mean(r)] for r in line[k]] for k in ("cost_ms", "reference_cost_ms"))
        found["frame, against every 1"] = Times(*means)
    if "latency_ms" in line:
        found["latency"] = Free(line["latency_ms"], "ms", 1.0, pace)
        lost = 100 * line["dropped"] / max(1, line["frames"] + line["dropped"])
        found["dropped"] = Once(lost, "%", 1.0, 5.0, drifts=False, verdicts=_DROPPED)
    if "start_s" in line:
        found["start"] = Free([[seconds] for seconds in line["start_s"]], "s", 0.1, pace)
    if line.get("fps"):
        times = [[1e3 / fps] for fps in line["fps"]]
        found["time of a frame in memory"] = Free(times, "ms", 0.1, pace)
    if line.get("memory_mb") and ("start_s" in line or reference):
        found["memory"] = Once(line["memory_mb"], "MB", 1.1, 5.0, False, _MEMORY)
    return found


def _timed(line: Line, reference: Any) -> Iterator[tuple[str, Figure]]:
    for what in ("face", "frame"):
        if line.get(f"{what}_ms"):
            yield what, Times(line[f"{what}_ms"], reference)
    for percent in _TAIL if line.get("frame_ms") else ():
        yield f"frame, p{percent}", Tail(line["frame_ms"], reference, percent)
    if "face_ms" not in line:  # the loop itself, of which a stage is worth a figure
        for stage, rounds in line["stage_ms"].items():
            yield stage, Times(rounds, reference)
    for what, key, least in (("load", "load_ms", 100.0), ("first call", "first_ms", 20.0)):
        if key in line:
            yield what, Once(line[key], "ms", 3.0, least)


def table(found: Sequence[Finding]) -> Table:
    """Return what changed beyond the noise, for a terminal."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    shown.add_column("")
    for column in ("before", "now", "ratio", "interval", "counts"):
        shown.add_column(column, justify="right")
    shown.add_column("verdict", no_wrap=True, min_width=_VERDICT)
    for row in found:
        if row.shown:
            ratio = "–" if np.isnan(row.ratio) else f"{row.ratio:.2f} ×"
            shown.add_row(row.what, row.base, row.new, ratio, row.note, row.margin, row.verdict)
    return shown


def summary(found: Sequence[Finding]) -> str:
    """Return how many figures were compared, how many of them are worse, and what that takes."""
    words = ("missing", "not compared", TOO_FEW)
    counts = {word: sum(row.verdict == word for row in found) for word in words}
    others = "".join(f", {count} {word}" for word, count in counts.items() if count)
    return (
        f"{len(found) - sum(counts.values())} figures compared, "
        f"{sum(row.regression for row in found)} worse{others}; ratios of times are of multiples "
        "of a reference network's in the same round where there is one. A slowdown of less than "
        f"{MARGIN - 1:.0%} is not reported; of the slowest frames (p95, p99) less than "
        f"{TAIL_MARGIN - 1:.0%}, of starts, cameras and throughput {FREE_MARGIN - 1:.0%}"
    )
