"""What became slower or less accurate between two runs on one machine, beyond their noise.

A time is compared as a multiple of the reference network's in the same round (``Times.relative``),
so that a machine that is slower as a whole does not count. It has changed where the two 95 %
intervals lie apart by more than a margin, and it makes 0.05 ms at the least: two processes of the
same code differ by where their memory lies (Mytkowicz et al. 2009). Accuracy is compared image by
image, by McNemar's exact test at 1 %. What the later run lacks counts as worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import stats
from benchmarks.errors import BenchmarkError
from benchmarks.results import Accuracy, Bench, Estimate, Loop, Times
from train.metrics import unpack

MARGIN, WIDE_MARGIN = 1.1, 1.5
"""Of medians with the reference beside them; of p95 and what takes a process or a camera."""
_LEAST_MS, _LEAST_ROUNDS, _LEVEL = 0.05, 8, 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of both runs for people; ``verdict`` is empty where nothing changed."""

    what: str
    base: str
    new: str
    change: str
    verdict: str = ""
    worse: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """Milliseconds, and as a multiple of the reference; has changed beyond ``margin``."""

    value: Estimate
    relative: Estimate
    margin: float


@dataclass(frozen=True, slots=True)
class Once:
    """What a run has one value of: it has changed by a tenth, and by ``least``."""

    value: float
    unit: str
    least: float


Figure = Time | Once | Accuracy


def compare(base: Bench, new: Bench, *, fewer: bool = False) -> list[Finding]:
    """Compare all that ``base`` has; with ``fewer``, what ``new`` lacks is no regression.

    Raises ``BenchmarkError`` where the two can't be compared.
    """
    for which, run in (("earlier", base), ("later", new)):
        if run.invalid or run.rounds < _LEAST_ROUNDS:
            raise BenchmarkError(
                f"the {which} results: expected a valid run of {_LEAST_ROUNDS} rounds or more, "
                f"found {run.invalid or f'{run.rounds} rounds'}; measure again"
            )
    if base.device != new.device:
        raise BenchmarkError(
            f"results: expected two runs on one machine, found {base.device} and {new.device}; "
            "measure both on one"
        )
    later = dict(figures(new))
    found = [
        _finding(what, figure, later[what])
        if what in later
        else Finding(what, "measured", "–", "–", "missing", not fewer)
        for what, figure in figures(base)
    ]
    return sorted(found, key=lambda each: (not each.worse, each.what))


def _finding(what: str, base: Figure, new: Figure) -> Finding:
    match base, new:
        case Time(), Time():
            return _time(what, base, new)
        case Once(), Once():
            return _once(what, base, new)
        case Accuracy(), Accuracy():
            return _accuracy(what, base, new)
    raise AssertionError("figures of one name are of one kind")


def _time(what: str, base: Time, new: Time) -> Finding:
    ratio = new.relative.value / base.relative.value
    counts = abs(ratio - 1) * base.value.value >= _LEAST_MS
    slower = counts and new.relative.low > base.margin * base.relative.high
    faster = counts and base.relative.low > base.margin * new.relative.high
    before, now = (f"{each.value.value:.3f} ms" for each in (base, new))
    verdict = "slower" if slower else "faster" if faster else ""
    return Finding(what, before, now, f"{ratio:.2f} ×", verdict, slower)


def _once(what: str, base: Once, new: Once) -> Finding:
    low, high = sorted((base.value, new.value))
    changed = high >= MARGIN * low and high - low >= base.least
    worse = changed and new.value > base.value
    before, now = (f"{each.value:.1f} {each.unit}" for each in (base, new))
    verdict = ("more" if worse else "less") if changed else ""
    return Finding(what, before, now, "–", verdict, worse)


def _accuracy(what: str, base: Accuracy, new: Accuracy) -> Finding:
    before, now = (f"{each.whole.top1.value:.2%}" for each in (base, new))
    if base.images != new.images:
        return Finding(what, before, now, "other images", "not comparable")
    right = (unpack(each.right, each.whole.images) for each in (base, new))
    test = stats.mcnemar(*right)
    changed, lost = test.p < _LEVEL, test.only_h5 > test.only_this
    verdict = ("less accurate" if lost else "more accurate") if changed else ""
    return Finding(what, before, now, f"p = {test.p:.2g}", verdict, changed and lost)


def figures(run: Bench) -> Iterator[tuple[str, Figure]]:
    """Yield everything that can be compared, with its name for people."""
    for row in run.rows:
        for each in row.latency:
            yield f"{row.name}, one face, threads: {each.threads}", _median(each.face)
        if row.memory_mb is not None:
            yield f"{row.name}, peak RSS", Once(row.memory_mb, "MB", 5.0)
        if row.accuracy:
            yield f"{row.name}, top-1", row.accuracy
    if run.footprint:
        yield "start to first result", _median(run.footprint.start, WIDE_MARGIN)
        if run.footprint.memory_mb is not None:
            yield "a run, peak RSS", Once(run.footprint.memory_mb, "MB", 5.0)
    if run.loop:
        yield from _of_loop(run.loop)


def _of_loop(loop: Loop) -> Iterator[tuple[str, Figure]]:
    for scene in loop.stages:
        name = f"frame, faces: {scene.faces}"
        yield name, _median(scene.frame)
        if scene.frame.p95 and scene.frame.relative_p95:
            yield f"{name}, p95", Time(scene.frame.p95, scene.frame.relative_p95, WIDE_MARGIN)
        for stage, times in scene.stages.items():
            yield f"{name}, {stage}", _median(times)
    for each in loop.throughput:
        name = f"frame of a file, faces: {each.faces}, workers: {each.workers}"
        yield name, _median(each.frame, WIDE_MARGIN)
    for camera in loop.camera:
        name = f"camera, frames a second: {camera.rate}"
        yield f"{name}, latency", _median(camera.latency, WIDE_MARGIN)
        share = camera.dropped / max(1, camera.frames + camera.dropped)
        yield f"{name}, dropped", Once(100 * share, "%", 5.0)


def _median(times: Times, margin: float = MARGIN) -> Time:
    return Time(times.p50, times.relative, margin)
