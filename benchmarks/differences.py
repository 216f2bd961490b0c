"""The kinds of figures that two runs are compared in, and when each has changed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import ResultsError
from benchmarks.uncertainty import Rounds, draws, flat, mcnemar, supported

MARGIN = 1.1
"""Of a time that has a reference in each round."""
TAIL_MARGIN = 1.5
"""Of the slowest frames: what disturbs a machine now and then is among them."""
FREE_MARGIN = 1.5
"""Of one that has none, once the drift of the machine as a whole is taken out."""
LEAST_ROUNDS = 8
"""Of fewer, an interval of 99 % says nothing."""
TOO_FEW = "of too few samples"
"""The verdict on a figure of which either run has too few samples, or rounds, for any other."""
_LEAST_MS = 0.05
_TAILS = (0.5, 99.5)
_LEVEL = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of both runs: milliseconds, megabytes, or a share of images.

    ``ratio`` is the later run's as a multiple of the earlier one's, for times after the drift of
    the machine is taken out; ``note`` says how sure that is. ``verdict`` is "" where nothing
    changed beyond the noise, ``TOO_FEW`` where nothing can be said, and ``margin`` from where on a
    change counts.
    """

    what: str
    base: str
    new: str
    ratio: float
    note: str
    verdict: str = ""
    regression: bool = False
    margin: str = ""

    @property
    def shown(self) -> bool:
        """Whether it is worth a line: a slow machine has too few samples of many figures."""
        return self.verdict not in ("", TOO_FEW)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds by the round, and those of a reference in the same rounds."""

    rounds: Rounds
    reference: Rounds

    def __post_init__(self) -> None:
        """Refuse what no multiples can be made of; raises ``ResultsError``."""
        if len(self.rounds) != len(self.reference) or not all((*self.rounds, *self.reference)):
            raise ResultsError("as many rounds of the reference as of what it is for, found others")

    def against(self, what: str, new: Self, drift: float) -> Finding:
        """Compare with the same figure of the later run; its ``drift`` is in the reference."""
        del drift
        medians = self.multiples(), new.multiples()
        drawn = [_drawn(values, seed) for seed, values in enumerate(medians)]
        ratio = float(np.median(medians[1]) / np.median(medians[0]))
        before, now = (statistics.median(flat(own.rounds)) for own in (self, new))
        ends = np.percentile(drawn[1] / drawn[0], _TAILS)
        shown = f"{before:.3f} ms", f"{now:.3f} ms"
        if not _enough(self.rounds, new.rounds):
            return _undecided(what, shown, ratio)
        counts = abs(ratio - 1) * before >= _LEAST_MS
        return _beyond(what, shown, ratio, ends, MARGIN, counts)

    def multiples(self) -> NDArray[np.float64]:
        """The median of each round as a multiple of the reference's in that round, ``float[n]``."""
        pairs = zip(self.rounds, self.reference, strict=True)
        return np.array([statistics.median(own) / statistics.median(other) for own, other in pairs])


@dataclass(frozen=True, slots=True)
class Tail(Times):
    """As ``Times``, but a high percentile of all samples: a stall now and then moves no median."""

    percent: int

    def __post_init__(self) -> None:
        """Refuse rounds of several lengths, too; raises ``ResultsError``."""
        Times.__post_init__(self)
        lengths = sorted(set(map(len, self.rounds)))
        if len(lengths) > 1:
            found = ", ".join(map(str, lengths))
            raise ResultsError(f"rounds of one length, found such of {found} samples")

    def against(self, what: str, new: Self, drift: float) -> Finding:
        """Compare with the same figure of the later run; of too few samples nothing is said."""
        del drift
        runs = self.multiples(), new.multiples()
        drawn = [
            np.percentile(values[draws(len(values), seed)], self.percent, axis=(1, 2))
            for seed, values in enumerate(runs)
        ]
        base, later = (float(np.percentile(values, self.percent)) for values in runs)
        before, now = (float(np.percentile(own.rounds, self.percent)) for own in (self, new))
        ratio, ends = later / base, np.percentile(drawn[1] / drawn[0], _TAILS)
        shown = f"{before:.3f} ms", f"{now:.3f} ms"
        known = all(supported(self.percent, values.size) for values in runs)
        if not (known and _enough(self.rounds, new.rounds)):
            return _undecided(what, shown, ratio)
        counts = abs(ratio - 1) * before >= _LEAST_MS
        return _beyond(what, shown, ratio, ends, TAIL_MARGIN, counts)

    def multiples(self) -> NDArray[np.float64]:
        """Each sample as a multiple of the reference's median in its round, ``float[n, k]``."""
        medians = [[statistics.median(values)] for values in self.reference]
        return np.asarray(np.asarray(self.rounds, float) / np.array(medians))


@dataclass(frozen=True, slots=True)
class Free:
    """Times by the round without a reference in each: what differs by less than ``least`` is none.

    ``pace`` are milliseconds of the reference before, after or between.
    """

    rounds: Rounds
    unit: str
    least: float
    pace: Sequence[float]

    def __post_init__(self) -> None:
        """Refuse rounds of nothing, and no pace; raises ``ResultsError``."""
        if not self.rounds or not all(self.rounds):
            raise ResultsError("rounds with times, found none")
        if not self.pace:
            raise ResultsError("the reference beside a start, a camera or throughput, found none")

    def against(self, what: str, new: Self, drift: float) -> Finding:
        """Compare with the same figure of the later run; its ``drift`` is in the pace."""
        drift = statistics.median(new.pace) / statistics.median(self.pace)
        medians = [np.array([statistics.median(r) for r in own.rounds]) for own in (self, new)]
        drawn = [_drawn(values, seed) for seed, values in enumerate(medians)]
        ratio = float(np.median(medians[1]) / np.median(medians[0]) / drift)
        before, now = (float(np.median(values)) for values in medians)
        ends = np.percentile(drawn[1] / drawn[0] / drift, _TAILS)
        shown = f"{before:.2f} {self.unit}", f"{now:.2f} {self.unit}"
        if not _enough(self.rounds, new.rounds):
            return _undecided(what, shown, ratio)
        counts = abs(ratio - 1) * before >= self.least
        return _beyond(what, shown, ratio, ends, FREE_MARGIN, counts)


@dataclass(frozen=True, slots=True)
class Once:
    """What a run has one value of, so that its noise isn't known but a tolerance stated.

    It has changed where it is ``margin`` times as much and differs by ``least``.
    """

    value: float
    unit: str
    margin: float
    least: float
    drifts: bool = True
    verdicts: tuple[str, str] = ("slower", "faster")

    def against(self, what: str, new: Self, drift: float) -> Finding:
        """Compare with the same figure of the later run, slower as a whole by ``drift``."""
        now = new.value / drift if self.drifts else new.value
        ratio = now / self.value if self.value else np.nan
        more = now - self.value >= self.least and now >= self.margin * self.value
        less = self.value - now >= self.least and self.value >= self.margin * now
        worse, better = self.verdicts
        return Finding(
            what,
            f"{self.value:.1f} {self.unit}",
            f"{new.value:.1f} {self.unit}",
            ratio,
            f"{self.least:g} {self.unit} or more",
            worse if more else better if less else "",
            more,
            f"{self.margin:g} ×",
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """Which of the ``images`` were answered right, a "1" for each that was."""

    images: str
    right: str

    def against(self, what: str, new: Self, drift: float) -> Finding:
        """Compare image by image, which takes the same ones."""
        del drift
        base, later = (np.array([known == "1" for known in own.right]) for own in (self, new))
        shown = f"{base.mean():.2%}", f"{later.mean():.2%}"
        if self.images != new.images:
            return Finding(what, *shown, np.nan, "other images", "not compared")
        if len(base) != len(later):
            raise ResultsError("as many answers as there are images, found others")
        only_base, only_new, p = mcnemar(base, later)
        sure = p < _LEVEL
        worse = sure and only_base > only_new
        return Finding(
            what,
            *shown,
            float(later.mean() / base.mean()) if base.any() else np.nan,
            f"p = {p:.2g}",
            "less accurate" if worse else "more accurate" if sure else "",
            worse,
            f"p < {_LEVEL:g}",
        )


Figure = Times | Free | Once | Answers


def _enough(*runs: Rounds) -> bool:
    return min(map(len, runs)) >= LEAST_ROUNDS


def _undecided(what: str, shown: tuple[str, str], ratio: float) -> Finding:
    """A time of which there are too few samples to say anything."""
    return Finding(what, *shown, ratio, "", TOO_FEW)


def _drawn(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The median of each resample of ``values``, which are one for each round."""
    return np.asarray(np.median(values[draws(len(values), seed)], axis=1))


def _beyond(
    what: str,
    shown: tuple[str, str],
    ratio: float,
    ends: Sequence[float] | NDArray[np.float64],
    margin: float,
    counts: bool,
) -> Finding:
    """A time that has changed where its whole interval lies beyond the ``margin``."""
    low, high = ends
    slower, faster = counts and low > margin, counts and high < 1 / margin
    verdict = "slower" if slower else "faster" if faster else ""
    interval = f"{low:.2f}…{high:.2f}"
    return Finding(what, *shown, ratio, interval, verdict, bool(slower), f"{margin:g} ×")
