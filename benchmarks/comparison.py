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

Accuracy is compared image by image, by McNemar's exact test at 1 %.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from benchmarks import results
from benchmarks.errors import BenchmarkError
from benchmarks.uncertainty import draws, flat, mcnemar

MARGIN = 1.1
_LEAST_MS = 0.05
_TAILS = (0.5, 99.5)
_LEVEL = 0.01
Line = Mapping[str, Any]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of both runs: milliseconds, or a share of images.

    ``ratio`` is the later run's as a multiple of the earlier one's, for times after the drift of
    the machine is taken out; ``note`` says how sure that is. ``verdict`` is "" where nothing
    changed beyond the noise.
    """

    what: str
    base: str
    new: str
    ratio: float
    note: str
    verdict: str = ""
    regression: bool = False


def compare(base: Path, new: Path) -> list[Finding]:
    """Compare the results at two paths, with the raw samples beside them.

    Raises ``ResultsError``, and ``BenchmarkError`` where the two can't be compared.
    """
    _check(results.read(base), results.read(new))
    lines = [
        {(line["subject"], line.get("threads", 0)): line for line in results.read_samples(path)}
        for path in (base, new)
    ]
    earlier, later = lines
    found = [
        finding
        for key in earlier.keys() & later.keys()
        for finding in _findings(key, earlier[key], later[key])
    ]
    if not found:
        raise BenchmarkError(
            f"{base} and {new}: expected figures of the same models, found none; "
            "measure the same models"
        )
    return sorted(found, key=lambda row: (not row.regression, row.what))


def _check(base: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    machines = base["device"]["name"], new["device"]["name"]
    if machines[0] != machines[1]:
        raise BenchmarkError(
            f"results: expected two runs on one machine, found {' and '.join(machines)}; "
            "measure both on one"
        )
    for result in (base, new):
        if result["void"]:
            raise BenchmarkError(
                f"results: expected runs that count, found that of {result['date']} void "
                f"({result['void']}); measure again"
            )


def _findings(key: Key, base: Line, new: Line) -> Iterator[Finding]:
    subject, threads = key
    name = f"{subject}, {threads} {'thread' if threads == 1 else 'threads'}" if threads else subject
    if "right" in base:
        if base["images"] == new["images"]:
            yield _accuracy(name, base["right"], new["right"])
        return
    if base.get("error"):
        return
    if new.get("error"):
        yield Finding(name, "measured", "failed", np.nan, new["error"], "fails", regression=True)
    elif base.get("reference_ms"):
        for what in ("face_ms", "frame_ms"):
            if base.get(what):
                yield _time(f"{name}: {what.removesuffix('_ms')}", base, new, base[what], new[what])
        if "face_ms" not in base:  # the loop itself, of which a stage is worth a figure
            for stage, rounds in base["stage_ms"].items():
                yield _time(f"{name}: {stage}", base, new, rounds, new["stage_ms"][stage])


def _time(what: str, base: Line, new: Line, earlier: Any, later: Any) -> Finding:
    medians = [_multiples(rounds, line) for rounds, line in ((earlier, base), (later, new))]
    drawn = [
        np.median(values[draws(len(values), seed)], axis=1) for seed, values in enumerate(medians)
    ]
    ratio = float(np.median(medians[1]) / np.median(medians[0]))
    low, high = np.percentile(drawn[1] / drawn[0], _TAILS)
    before, now = (statistics.median(flat(rounds)) for rounds in (earlier, later))
    counts = abs(ratio - 1) * before >= _LEAST_MS
    slower, faster = counts and low > MARGIN, counts and high < 1 / MARGIN
    return Finding(
        what,
        f"{before:.3f} ms",
        f"{now:.3f} ms",
        ratio,
        f"{low:.2f}…{high:.2f}",
        "slower" if slower else "faster" if faster else "",
        slower,
    )


def _multiples(rounds: Sequence[Sequence[float]], line: Line) -> NDArray[np.float64]:
    """The median of each round as a multiple of the reference's in that round, ``float64[n]``."""
    pairs = zip(rounds, line["reference_ms"], strict=True)
    return np.array([statistics.median(own) / statistics.median(other) for own, other in pairs])


def _accuracy(name: str, earlier: str, later: str) -> Finding:
    base, new = (np.array([known == "1" for known in right]) for right in (earlier, later))
    only_base, only_new, p = mcnemar(base, new)
    sure = p < _LEVEL
    worse = sure and only_base > only_new
    return Finding(
        f"{name}: top-1",
        f"{base.mean():.2%}",
        f"{new.mean():.2%}",
        float(new.mean() / base.mean()) if base.any() else np.nan,
        f"p = {p:.2g}",
        "less accurate" if worse else "more accurate" if sure else "",
        worse,
    )


def table(found: Sequence[Finding]) -> Table:
    """Return what changed beyond the noise, for a terminal."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("", "before", "now", "ratio", "interval", "verdict"):
        shown.add_column(column, justify="left" if column in ("", "verdict") else "right")
    for row in found:
        if row.verdict:
            ratio = "–" if np.isnan(row.ratio) else f"{row.ratio:.2f} ×"
            shown.add_row(row.what, row.base, row.new, ratio, row.note, row.verdict)
    return shown


def summary(found: Sequence[Finding]) -> str:
    """Return how many figures were compared, and how many of them are worse."""
    return (
        f"{len(found)} figures compared, {sum(row.regression for row in found)} worse; ratios of "
        "times are of multiples of a reference network's in the same round"
    )
