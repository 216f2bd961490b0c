"""How many workers one scheduler keeps busy: a simulation of its events, one after the other.

A worker that has done a file waits until the scheduler has dealt with that, which takes it ``cost``
seconds a file, and so gives out the next one; the first to wait is served first. What a message
takes on its way, and the workers' heartbeats, are not in it.

On paper: with files of m seconds and a cost of c, a worker asks once in m + c seconds, and m / c
workers take up all of the scheduler's time. Beyond that each has a share m / (c × workers).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from benchmarks.stats import Floats

BUSY = 0.95
MOST = 20_000
"""Workers that are simulated: a scheduler ends before by its connections."""
SPREAD = 1.0
"""Of the logarithm of a file's seconds: one in six takes 2.7 times the median or longer."""
_FILES = 20
"""For each worker."""


@dataclass(frozen=True, slots=True)
class Course:
    """What became of an archive: its seconds, and the share of theirs that workers worked.

    ``busy`` is from when the last worker has its first file until the last file is given out.
    """

    seconds: float
    busy: float


class Reach(Struct, frozen=True):
    """How many workers with files of ``seconds`` are busy enough, simulated and by the formula."""

    seconds: float
    simulated: int
    formula: int


def simulate(work: Sequence[float] | Floats, workers: int, cost: float) -> Course:
    """Give files, of ``work`` seconds each, in this order to so many ``workers``."""
    waiting = [0.0] * workers
    free, starts = 0.0, []
    for seconds in work:
        free = max(free, waiting[0]) + cost
        starts.append(free)
        heapq.heapreplace(waiting, free + seconds)
    return Course(max(waiting), _busy(np.array(starts), np.asarray(work, float), workers))


def _busy(starts: Floats, work: Floats, workers: int) -> float:
    if len(starts) <= workers:
        begin, end = 0.0, float((starts + work).max())
    else:
        begin, end = float(starts[workers - 1]), float(starts[-1])
    worked = np.clip(np.minimum(starts + work, end) - np.maximum(starts, begin), 0, None)
    return float(worked.sum() / (workers * (end - begin)))


def files(seconds: float, count: int) -> Floats:
    """Return how long each of ``count`` files takes: log-normal, with this mean."""
    random = np.random.default_rng(0)
    return random.lognormal(math.log(seconds) - SPREAD**2 / 2, SPREAD, count)


def reach(seconds: float, cost: float, most: int = MOST) -> Reach:
    """Find by bisection how many workers are busy for ``BUSY`` of their time, up to ``most``."""
    formula = math.floor(seconds / cost)

    def enough(workers: int) -> bool:
        return simulate(files(seconds, _FILES * workers), workers, cost).busy >= BUSY

    low, high = 0, min(most, 2 * formula) + 1  # twice as many are busy for half of their time
    if high > most and enough(most):
        return Reach(seconds, most, formula)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if enough(middle) else (low, middle)
    return Reach(seconds, low, formula)
