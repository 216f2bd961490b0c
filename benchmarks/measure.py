"""Interleaved measurement: in every round each probe is measured once, another one first.

What disturbs the machine falls on all of them, and none is always measured after the same moment of
a round. Right after each block of a probe the reference network runs in the same process, so that
blocks of other processes and of other runs can be compared by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct, field

from benchmarks import stats
from benchmarks.errors import WorkerError
from benchmarks.results import Times

T = TypeVar("T")
Block = Callable[[], Mapping[str, Sequence[float]]]
"""Measures once: milliseconds by what they are of."""


class Series(Struct):
    """Raw samples in milliseconds by the round: ``times`` by what they are of, and ``reference``.

    ``error`` says why there are none, or no more.
    """

    name: str
    threads: int = 1
    times: dict[str, list[Sequence[float]]] = field(default_factory=dict)
    reference: list[Sequence[float]] = field(default_factory=list)
    error: str | None = None

    def summary(self, name: str) -> Times:
        """Summarise the times called ``name``."""
        return stats.times(self.times[name], self.reference)


@dataclass(slots=True)
class Probe:
    """What is measured: its ``series``, one ``block`` of it, and the reference after the block."""

    series: Series
    block: Block
    reference: Callable[[], Sequence[float]]

    def measure(self) -> None:
        """Measure one block; after a ``WorkerError`` no more."""
        if self.series.error:
            return
        try:
            times, reference = self.block(), self.reference()
        except WorkerError as error:
            self.series.error = str(error)
            return
        for name, milliseconds in times.items():
            self.series.times.setdefault(name, []).append(_rounded(milliseconds))
        self.series.reference.append(_rounded(reference))


def interleave(
    probes: Sequence[Probe], rounds: int, shown: Callable[[range], Iterable[int]] = iter
) -> None:
    """Measure one block of every probe in each of ``rounds``; ``shown`` may draw progress."""
    for number in shown(range(rounds)):
        for probe in rotated(probes, number):
            probe.measure()


def rotated(items: Sequence[T], number: int) -> Sequence[T]:
    """Return ``items`` in the order of round ``number``."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


def _rounded(times: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in times]
