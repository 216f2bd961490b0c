"""Percentiles and scores with their 95 % intervals, and McNemar's test.

Intervals come from 1,000 bootstrap resamples with a fixed seed (Efron and Tibshirani 1993), those
of plain shares are Wilson's (1927).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.results import Estimate, McNemar, Times
from train import metrics

Rounds = Sequence[Sequence[float]]
"""Milliseconds in the rounds in which they were measured."""
BINS = 15
"""Of equal width, for the calibration error."""
_RESAMPLES = 1000
_TAILS = (2.5, 97.5)
_BEYOND = 10
"""Samples beyond a percentile that it takes to give it: 1,000 in all for p99."""
_DIGITS = 6
Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def times(rounds: Rounds, reference: Rounds) -> Times:
    """Summarise ``rounds``, each relative to the median of ``reference`` in the same round.

    Rounds are cut to the length of the shortest. Whole rounds are resampled, as the samples of one
    share the state of the machine (Davison and Hinkley 1997, 3.8).
    """
    length = min(map(len, rounds))
    samples = np.array([each[:length] for each in rounds], float)
    medians = np.array([np.median(each) for each in reference])
    relative = samples / medians[:, np.newaxis]
    p50, p95, p99 = (_percentile(samples, percent) for percent in (50, 95, 99))
    relative_p50, relative_p95 = (_percentile(relative, percent) for percent in (50, 95))
    assert p50, "any number of samples has a median"
    assert relative_p50, "as above"
    return Times(samples.size, p50, p95, p99, relative_p50, relative_p95)


def _percentile(samples: Floats, percent: int) -> Estimate | None:
    """The percentile of ``samples`` (``float[rounds, n]``), None where they are too few for it."""
    if percent > 50 and samples.size * (100 - percent) < 100 * _BEYOND:
        return None
    drawn = samples[_draws(len(samples))].reshape(_RESAMPLES, -1)
    return _estimate(np.percentile(samples, percent), np.percentile(drawn, percent, axis=1))


def share(right: Bools) -> Estimate:
    """Return the share of ``right`` (``bool[n]``, n > 0) with Wilson's interval."""
    interval = binomtest(int(right.sum()), right.size).proportion_ci(method="wilson")
    return Estimate(
        *(round(float(x), _DIGITS) for x in (right.mean(), interval.low, interval.high))
    )


def macro_recall(right: Bools, labels: Ints) -> Estimate:
    """Return the recall averaged over the classes in ``labels``, ``bool[n]`` and ``int64[n]``."""
    classes = np.asarray(labels[:, np.newaxis] == np.unique(labels), float)
    weights = np.vstack([np.ones(len(labels)), _weights(len(labels))])
    faces, hits = weights @ classes, weights @ (classes * right[:, np.newaxis])
    recalls = np.divide(hits, faces, out=np.zeros(hits.shape), where=faces > 0).mean(axis=1)
    return _estimate(recalls[0], recalls[1:])


def mean(values: Floats) -> Estimate:
    """Return the mean of independent ``values``, ``float[n]``."""
    return ratio(values, np.ones(len(values)))


def ratio(parts: Floats, wholes: Floats) -> Estimate:
    """Return the sum of ``parts`` over that of ``wholes``, ``float[n]`` of n independent units."""
    drawn = _weights(len(parts))
    return _estimate(parts.sum() / wholes.sum(), (drawn @ parts) / (drawn @ wholes))


def percentile(samples: Floats, percent: int) -> Estimate:
    """Return a percentile of independent ``samples``, ``float[n]``, n > 0."""
    drawn = np.percentile(samples[_draws(len(samples))], percent, axis=1)
    return _estimate(np.percentile(samples, percent), drawn)


def confusion(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Return the confusion matrix ``int64[true, predicted]`` of two ``int64[n]``."""
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def macro_f1(matrix: Ints) -> Estimate:
    """Return the F1 averaged over the classes of a confusion ``matrix``; an empty class has 0."""
    count = int(matrix.sum())
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(count, matrix.ravel() / count, _RESAMPLES)
    return _estimate(_f1(matrix), _f1(drawn.reshape(-1, *matrix.shape)))


def _f1(matrices: NDArray[Any]) -> Floats:
    hits = 2 * np.diagonal(matrices, axis1=-2, axis2=-1)
    both = matrices.sum(axis=-1) + matrices.sum(axis=-2)
    scores = np.divide(hits, both, out=np.zeros(both.shape), where=both > 0)
    return np.asarray(scores.mean(axis=-1))


def bins_of(probabilities: Floats) -> Ints:
    """Return the bin of each row's greatest probability, ``int64[n]`` in 0…14."""
    confidence = probabilities.max(axis=1)
    return np.asarray(np.minimum((confidence * BINS).astype(np.int64), BINS - 1))


def calibration_error(probabilities: Floats, labels: Ints) -> Estimate:
    """Return the expected calibration error (Guo et al. 2017), ``float[n, k]`` and ``int64[n]``.

    It sums absolute values, so that noise adds to it, and to its resamples once more: their bias is
    taken out of the interval (Efron and Tibshirani 1993, chapter 10).
    """
    gaps = probabilities.max(axis=1) - (probabilities.argmax(axis=1) == labels)
    parts = np.eye(BINS)[bins_of(probabilities)] * gaps[:, np.newaxis] / len(labels)
    value = np.abs(parts.sum(axis=0)).sum()
    drawn = np.abs(_weights(len(labels)) @ parts).sum(axis=1)
    return _estimate(value, np.maximum(drawn - (drawn.mean() - value), 0))


def mcnemar(h5: Bools, this: Bools) -> McNemar:
    """Return McNemar's exact test (1947) between what two files name rightly, ``bool[n]`` each."""
    return McNemar(*metrics.mcnemar(h5, this))


def _draws(count: int) -> Ints:
    """``int64[1000, count]``: indices below ``count``, drawn with replacement."""
    return np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))


@functools.cache
def _weights(count: int) -> Floats:
    """``float[1000, count]``: how often each of ``count`` images is in each resample."""
    return np.stack([np.bincount(row, minlength=count) for row in _draws(count)]).astype(float)


def _estimate(value: Any, resampled: Floats) -> Estimate:
    low, high = np.percentile(resampled, _TAILS)
    return Estimate(*(_rounded(each) for each in (value, low, high)))


def _rounded(value: Any) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
