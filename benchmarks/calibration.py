"""How far probabilities can be trusted, and how accurate the certain labels are."""

from __future__ import annotations

import functools

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from benchmarks import stats
from benchmarks.results import Estimate
from edge.types import Floats
from edge.vision.classifier import TFLiteClassifier, softmax
from train.data import Split
from train.metrics import as_unseen

_THRESHOLDS = np.arange(0, 1, 0.02)
_FEWEST = 30
"""A curve ends where fewer images are certain: their accuracy would be noise."""


class Bin(Struct, frozen=True, array_like=True):
    """Mean confidence, accuracy and number of the images of one bin."""

    confidence: float
    accuracy: float
    images: int


class Point(Struct, frozen=True, array_like=True):
    """What is certain from a threshold on: its share of all faces, and its accuracy."""

    threshold: float
    coverage: float
    accuracy: float


class Judged(Struct, frozen=True):
    """Before and after temperature scaling, against what somebody calls the images."""

    images: int
    error_before: Estimate
    error_after: Estimate
    bins_before: list[Bin]
    bins_after: list[Bin]
    curve: list[Point]
    accuracy_certain: float | None


class Calibration(Judged, frozen=True, kw_only=True):
    """Against the labels, each image as if it had no part in temperature and threshold.

    ``threshold`` is the contract's, ``coverage`` the share of the faces that are certain by it.
    ``votes`` are against what most FER+ taggers say, on the images where they agree on a class.
    """

    temperature: float
    threshold: float
    coverage: float
    votes: Judged | None = None


def measure(
    classifier: TFLiteClassifier,
    split: Split,
    voted: NDArray[np.int64],
    judges: NDArray[np.int64],
) -> Calibration:
    """Return calibration and coverage on the validation ``split``.

    ``voted`` is what most taggers say of its images, ``judges`` what temperature and threshold were
    fitted to, both ``int64[n]``, -1 where that is nothing.
    """
    labels, logits = split.labels, classifier.logits(split.images)
    contract = classifier.contract
    before = softmax(logits)
    after, shift = as_unseen(softmax(logits / np.float32(contract.temperature)), judges)
    certain = after.max(axis=1) >= contract.uncertain_below + shift
    judge = functools.partial(_judged, before, after, certain)
    return Calibration(
        **structs.asdict(judge(labels)),
        temperature=round(contract.temperature, 6),
        threshold=contract.uncertain_below,
        coverage=round(float(certain.mean()), 6),
        votes=judge(voted) if (voted >= 0).any() else None,
    )


def _judged(
    before: Floats, after: Floats, certain: NDArray[np.bool_], labels: NDArray[np.int64]
) -> Judged:
    known = labels >= 0
    before, after, certain, labels = before[known], after[known], certain[known], labels[known]
    right = after.argmax(axis=1) == labels
    return Judged(
        images=len(labels),
        error_before=stats.calibration_error(before, labels),
        error_after=stats.calibration_error(after, labels),
        bins_before=reliability(before, labels),
        bins_after=reliability(after, labels),
        curve=coverage_curve(after.max(axis=1), right),
        accuracy_certain=accuracy(right, certain),
    )


def accuracy(right: NDArray[np.bool_], certain: NDArray[np.bool_]) -> float | None:
    """Return the share of the ``certain`` labels that are ``right``, None where none is."""
    return round(float(right[certain].mean()), 6) if certain.any() else None


def reliability(probabilities: Floats, labels: NDArray[np.int64]) -> list[Bin]:
    """Return each bin that has images, of ``float32[n, k]`` and ``int64[n]`` (Guo et al. 2017)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = stats.bins_of(probabilities)
    return [
        Bin(
            round(float(confidence[places == place].mean()), 6),
            round(float(right[places == place].mean()), 6),
            int((places == place).sum()),
        )
        for place in np.unique(places)
    ]


def coverage_curve(confidence: Floats, right: NDArray[np.bool_]) -> list[Point]:
    """Return coverage and accuracy by threshold (El-Yaniv and Wiener 2010), ``[n]`` each."""
    return [
        Point(
            round(float(threshold), 2),
            round(float(certain.mean()), 6),
            round(float(right[certain].mean()), 6),
        )
        for threshold in _THRESHOLDS
        if (certain := confidence >= threshold).sum() >= min(_FEWEST, len(right))
    ]
