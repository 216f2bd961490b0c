"""How far a figure may be trusted: percentiles, intervals of 95 %, and tests between two answers.

Intervals are those of the percentile bootstrap (Efron and Tibshirani 1993, chapter 13) with a fixed
seed, and Wilson's (1927) for a plain share.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from train.metrics import BINS

_PERCENTS = (50, 90, 95, 99)
_BEYOND = 10
"""Samples beyond a percentile, from which it is worth a figure: of p99 it takes 1,000."""
_LEVEL = 0.95
_TAILS = (100 * (1 - _LEVEL) / 2, 100 * (1 + _LEVEL) / 2)
_RESAMPLES = 1000
Rounds = Sequence[Sequence[float]]
"""Samples in the rounds in which they were taken, all of one length."""


def flat(rounds: Rounds) -> list[float]:
    """Return the samples of all rounds."""
    return [value for values in rounds for value in values]


def percentiles(values: Sequence[float]) -> dict[str, Any]:
    """p50, p90, p95 and p99 of ``values``, by these names; None where they are too few for it."""
    found = np.percentile(values, _PERCENTS)
    return {
        f"p{p}": round(float(value), 5) if supported(p, len(values)) else None
        for p, value in zip(_PERCENTS, found, strict=True)
    }


def supported(percent: int, count: int) -> bool:
    """Whether so many samples are enough for that percentile."""
    return percent == 50 or count * (100 - percent) >= 100 * _BEYOND


def in_rounds(values: Sequence[float], count: int) -> list[list[float]]:
    """``values`` in ``count`` rounds of one length, fewer where they are few.

    The last ones, of which a round can't be made, are left out.
    """
    length = max(1, len(values) // count)
    whole = len(values) // length * length
    return [list(values[start : start + length]) for start in range(0, whole, length)][:count]


def percentile_intervals(rounds: Rounds) -> dict[str, Any]:
    """Return low and high end of the interval of each of ``percentiles``, None where that is.

    Whole rounds are drawn: the samples of one share the machine's state, and drawn one by one they
    would pass for more than they tell (the cluster bootstrap, Davison and Hinkley 1997, 3.8).
    """
    samples = np.asarray(rounds, float)
    drawn = samples[draws(len(samples))].reshape(_RESAMPLES, -1)
    ends = np.percentile(np.percentile(drawn, _PERCENTS, axis=1), _TAILS, axis=1)
    return {
        f"p{p}": _rounded(ends[:, place]) if supported(p, samples.size) else None
        for place, p in enumerate(_PERCENTS)
    }


def ratio(rounds: Rounds, other: Rounds) -> dict[str, Any]:
    """The median of ``rounds`` as a multiple of that of ``other``, and its interval.

    Both were taken in the same rounds, which are drawn together: what disturbed the machine fell on
    both.
    """
    drawn = draws(len(rounds))
    own, its = (np.asarray(samples, float) for samples in (rounds, other))
    medians = [np.median(each[drawn].reshape(_RESAMPLES, -1), axis=1) for each in (own, its)]
    return {
        "ratio": round(float(np.median(own) / np.median(its)), 5),
        "interval": interval(medians[0] / medians[1]),
    }


def middle_mean(rounds: Rounds) -> tuple[float, list[float]]:
    """The median of the rounds' means, and its interval; whole rounds are drawn.

    What disturbed one round doesn't move it, as it would the mean of all samples.
    """
    means = np.asarray(rounds, float).mean(axis=1)
    return float(np.median(means)), interval(np.median(means[draws(len(means))], axis=1))


def draws(count: int, seed: int = 0) -> NDArray[np.int64]:
    """``int64[1000, count]``: indices below ``count``, drawn with replacement."""
    return np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))


def interval(values: NDArray[np.floating]) -> list[float]:
    """Low and high end of what resampling made of a figure, ``float[1000]``."""
    return _rounded(np.percentile(values, _TAILS))


def share_interval(right: NDArray[np.bool_]) -> list[float]:
    """Wilson's interval of the share of ``right`` (``bool[n]``); all of 0…1 where n is 0."""
    if not right.size:
        return [0.0, 1.0]
    test = binomtest(int(right.sum()), right.size)
    return _rounded(np.array(test.proportion_ci(_LEVEL, method="wilson")))


def macro_f1_interval(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> list[float]:
    """Interval of macro-F1 over the classes of ``labels``; both are ``int64[n]``.

    All of 0…1 where n is 0.
    """
    if not len(labels):
        return [0.0, 1.0]
    classes = int(max(labels.max(), predicted.max())) + 1
    cells = np.eye(classes**2, dtype=np.float32)[labels * classes + predicted]
    tables = (_weights(len(labels)) @ cells).reshape(-1, classes, classes)
    both = tables.sum(axis=1) + tables.sum(axis=2)
    hits = 2 * np.diagonal(tables, axis1=1, axis2=2)
    return interval(np.divide(hits, both, out=np.zeros_like(hits), where=both > 0).mean(axis=1))


def calibration_interval(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> list[float]:
    """Interval of the expected calibration error, of ``float32[n, k]`` and ``int64[n]``.

    The error is a sum of absolute values, so that noise adds to it: the estimate lies above what is
    true (Roelofs et al. 2022, arXiv 2012.08668), and its resamples, noisier once more, above the
    estimate. So the high end is that of the resamples less their bias, which is their mean less the
    estimate (Efron and Tibshirani 1993, chapter 10). The low end is the estimate less all that
    noise can have added, by the triangle inequality no more than the sum of the absolute noise of
    the bins. The estimate lies always inside, what is true in 95 % or more.
    """
    confidence = probabilities.max(axis=1)
    gaps = confidence - (probabilities.argmax(axis=1) == labels)
    bins = np.eye(BINS, dtype=np.float32)[np.minimum((confidence * BINS).astype(int), BINS - 1)]
    parts = bins * gaps[:, np.newaxis].astype(np.float32) / len(labels)
    own, drawn = parts.sum(axis=0), _weights(len(labels)) @ parts
    estimate, resampled = np.abs(own).sum(), np.abs(drawn).sum(axis=1)
    low = estimate - np.percentile(np.abs(drawn - own).sum(axis=1), _TAILS[1])
    high = np.percentile(resampled, _TAILS[1]) - (resampled.mean() - estimate)
    return _rounded(np.maximum([low, high], 0))


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[int, int, float]:
    """How many only ``one`` has right, how many only ``other``, and p (``bool[n]`` each).

    McNemar 1947 with the exact binomial distribution, whatever their number.
    """
    first, second = int((one & ~other).sum()), int((other & ~one).sum())
    p = float(binomtest(first, first + second).pvalue) if first + second else 1.0
    return first, second, p


@functools.cache
def _weights(count: int) -> NDArray[np.float32]:
    """``float32[1000, count]``: how often each of ``count`` images is in each resample."""
    drawn = draws(count)
    return np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(np.float32)


def _rounded(ends: NDArray[np.floating]) -> list[float]:
    return [round(float(end), 5) for end in ends]
