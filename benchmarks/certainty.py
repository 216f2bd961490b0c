"""Which labels can be stood by: those certain by the contract's threshold, and by other scores."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks import stats
from benchmarks.calibration import Point, accuracy, coverage_curve
from benchmarks.results import Estimate
from edge.types import Floats

TOP = "top probability"
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the faces, the most certain ones by each score."""


class Certainty(Struct, frozen=True):
    """What is certain by the contract's ``threshold``, and by other rules.

    ``curves`` have what is certain from each threshold of a score on, ``ranked`` what is right
    among the ``SHARES`` of the faces with the highest score.
    """

    threshold: float
    coverage: float
    accuracy_certain: float | None
    mean_probability: float
    calibration_error: Estimate
    curves: dict[str, list[Point]]
    ranked: dict[str, list[float]]

    @property
    def curve(self) -> list[Point]:
        """That of the top probability, which the contract's threshold is for."""
        return self.curves[TOP]


def certainty(probabilities: Floats, labels: NDArray[np.int64], threshold: float) -> Certainty:
    """Return what is certain by ``threshold`` and by other scores; ``float32[n, k]``, ``int64[n]``.

    The lead is that over the second label; the entropy is divided by its greatest value and taken
    from 1, so that all scores are in 0…1.
    """
    ordered = np.sort(probabilities, axis=1)
    top, right = ordered[:, -1], np.asarray(probabilities.argmax(axis=1) == labels)
    parts = probabilities * np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    scores = {
        TOP: top,
        "lead over the second": top - ordered[:, -2],
        "1 − entropy": 1 + parts.sum(axis=1) / np.float32(np.log(probabilities.shape[1])),
    }
    certain = top >= threshold
    return Certainty(
        threshold=threshold,
        coverage=round(float(certain.mean()), 6),
        accuracy_certain=accuracy(right, certain),
        mean_probability=round(float(top.mean()), 6),
        calibration_error=stats.calibration_error(probabilities, labels),
        curves={name: coverage_curve(score, right) for name, score in scores.items()},
        ranked={name: _ranked(score, right) for name, score in scores.items()},
    )


def _ranked(score: Floats, right: stats.Bools) -> list[float]:
    ordered = right[np.argsort(-score, kind="stable")]
    return [
        round(float(ordered[: max(round(share * len(ordered)), 1)].mean()), 6) for share in SHARES
    ]
