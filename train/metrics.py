"""How good a classifier is on a split, in the field's terms."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest

from train.data import Split, copies_in_train
from train.errors import VotesError
from train.layout import EXPRESSIONS
from train.votes import LEAST_JOINED, join, load_votes, majority

BINS = 15
"""Of equal width, for calibration."""
RIGHT_IF_CERTAIN = 7 / 8
"""Labels are certain from the calibrated probability on from which so many of them are right."""
UNFITTED_THRESHOLD = 0.5
"""The same where there are too few images to fit one."""
LEAST_FITTED = 50
"""Images with a label: of fewer nothing is fitted."""
_FOLDS = 4
_log = logging.getLogger(__name__)


def evaluate(
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    copies: NDArray[np.bool_],
    names: Sequence[str],
) -> dict[str, Any]:
    """Return top-1, macro-F1, per-class figures and the confusion matrix, ready for JSON.

    ``names`` are those of the classes. ``labels`` and ``predicted`` are ``int64[n]``; ``copies`` is
    ``bool[n]``, true for an image that is also in the training split. Rows of the confusion matrix
    are the true labels.
    """
    # A device that only measures has none.
    from sklearn.metrics import (  # noqa: PLC0415
        confusion_matrix,
        precision_recall_fscore_support,
    )

    classes = range(len(names))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    right = labels == predicted
    return {
        "images": len(labels),
        "images_without_copies": int((~copies).sum()),
        "top1": float(right.mean()),
        "top1_without_copies": float(right[~copies].mean()),
        "macro_f1": float(f1.mean()),
        "macro_f1_without_copies": _macro_f1(labels[~copies], predicted[~copies], len(names)),
        "per_class": {
            name: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
            }
            for i, name in enumerate(names)
        },
        "confusion_matrix": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def _macro_f1(labels: NDArray[np.int64], predicted: NDArray[np.int64], count: int) -> float:
    """F1 averaged over ``count`` classes: one that is nowhere counts as 0; of no image NaN."""
    from sklearn.metrics import f1_score  # noqa: PLC0415 - as above

    if not len(labels):
        return float("nan")
    classes = range(count)
    return float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0))


def measure(
    predicted: NDArray[np.int64], validation: Split, train: Split, voted: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the figures of ``predicted`` (``int64[n]``) on the validation split, ready for JSON.

    ``"validation"`` are those against its labels, ``"validation_votes"`` those against ``voted``
    (``int64[n]``), the taggers'.
    """
    copies = copies_in_train(validation, train)
    return {
        "validation": evaluate(validation.labels, predicted, copies, validation.classes),
        "validation_votes": evaluate_votes(voted, predicted, copies),
    }


def pack(right: NDArray[np.bool_]) -> str:
    """Return ``bool[n]`` as hexadecimal, a bit each."""
    return np.packbits(right).tobytes().hex()


def unpack(text: str, count: int) -> NDArray[np.bool_]:
    """Return the ``bool[count]`` that were packed; raises ``ValueError`` for another number."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))
    if len(bits) != -(-count // 8) * 8:
        raise ValueError(f"expected {count} bits, found {len(bits)}")
    return bits[:count].astype(bool)


def voted_labels(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the label that most FER+ taggers gave each of ``images``, ``int64[n]``.

    ``images`` is ``uint8[n, h, w, 1]``; -1 stands where no label has most votes, or the image is
    not known. Raises ``VotesError``.
    """
    return majority(join(images, load_votes()))


def voted_where_known(
    split: Split, label: Callable[[NDArray[np.uint8]], NDArray[np.int64]] = voted_labels
) -> NDArray[np.int64]:
    """Return the labels of the images of ``split`` as ``label`` gives them.

    -1 for all where it has no table, and where the classes are not those of the taggers. For what
    is only reported: a training that needs no votes doesn't fail for them.
    """
    if split.classes != EXPRESSIONS:
        return np.full(len(split.labels), -1)
    try:
        return label(split.images)
    except VotesError as error:
        _log.warning("figures against the taggers' votes are left out: %s", error)
        return np.full(len(split.labels), -1)


def judged_by(
    labels: NDArray[np.int64], voted: NDArray[np.int64], provenance: Mapping[str, Any]
) -> NDArray[np.int64]:
    """Return what a model of such a ``provenance`` is calibrated to, ``int64[n]``.

    What most taggers say where it learns them and these are FER2013's images, else the labels.
    """
    votes = provenance.get("recipe", {}).get("votes", 0)
    return voted if votes and (voted >= 0).mean() >= LEAST_JOINED else labels


def evaluate_votes(
    voted: NDArray[np.int64], predicted: NDArray[np.int64], copies: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return ``evaluate`` against ``voted_labels``, empty where none of the images has one."""
    known = voted >= 0
    if not known.any():
        return {}
    return evaluate(voted[known], predicted[known], copies[known], EXPRESSIONS)


def can_calibrate(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> bool:
    """Whether a temperature can be fitted: not to few images, and not where all are right.

    There the likeliest one is 0.
    """
    known = labels >= 0
    right = logits.argmax(axis=1) == labels
    return bool(known.sum() >= LEAST_FITTED and not right[known].all())


def calibrate(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Temperature and threshold, fitted on all images, and the errors by cross-validation.

    ``logits`` is ``float32[n, k]``, ``labels`` ``int64[n]``, -1 where there is none.
    """
    temperature, threshold = 1.0, UNFITTED_THRESHOLD
    if can_calibrate(logits, labels):
        temperature, threshold = _fit(logits, labels)
    calibrated = softmax(logits / temperature, axis=1)
    unseen, _ = as_unseen(calibrated, labels)
    known = labels >= 0
    errors = {
        f"calibration_error_{name}": expected_calibration_error(probabilities[known], labels[known])
        for name, probabilities in (("before", softmax(logits, axis=1)), ("after", unseen))
    }
    return errors | {"temperature": temperature, "uncertain_below": threshold}


def rounded(fitted: Mapping[str, float]) -> dict[str, Any]:
    """Return temperature and threshold of ``calibrate`` as a contract has them."""
    return {
        "temperature": round(fitted["temperature"], 4),
        "uncertain_below": round(fitted["uncertain_below"], 3),
    }


def as_unseen(
    calibrated: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what ``calibrated`` would be if no image had a part in its own calibration.

    ``calibrated`` is ``float32[n, k]``, ``labels`` what it was fitted to, ``int64[n]``, -1 where
    there is none. The images are parted into folds; those of one get the temperature changed by
    what leaving them out of the fit changes it: cross-validation (Stone 1974) of the temperature
    that is there. The second array, ``float32[n]``, is what is to be added to the threshold.
    """
    shift = np.zeros(len(labels), np.float32)
    if not can_calibrate(calibrated, labels):
        return calibrated, shift
    logits = np.log(np.maximum(calibrated, np.finfo(np.float32).tiny))
    temperature, threshold = _fit(logits, labels)
    unseen = np.empty_like(logits)
    for fold in range(_FOLDS):
        # Sorted by class and file name: each fold has its share of each class.
        inside = np.arange(len(labels)) % _FOLDS == fold
        others = _fit(logits, np.where(inside, -1, labels))
        unseen[inside] = softmax(logits[inside] * (temperature / others[0]), axis=1)
        shift[inside] = others[1] - threshold
    return unseen, shift


def _fit(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    known = labels >= 0
    logits, labels = logits[known], labels[known]
    temperature = fit_temperature(logits, labels)
    calibrated = softmax(logits / temperature, axis=1)
    right = calibrated.argmax(axis=1) == labels
    return temperature, min(fit_threshold(calibrated.max(axis=1), right), 0.99)


def totals(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return those of ``evaluate`` that a contract holds."""
    return {key: figures[key] for key in ("top1", "top1_without_copies", "macro_f1")}


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return how many images ``a`` alone has right, ``b`` alone, and the p of McNemar's exact test.

    Both are ``bool[n]``, of the same images (McNemar 1947).
    """
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    either = only_a + only_b
    return only_a, only_b, float(binomtest(only_a, either).pvalue) if either else 1.0


def surest(
    probabilities: NDArray[np.floating], among: NDArray[np.bool_], most: int
) -> NDArray[np.int64]:
    """Return which of ``among`` (``bool[n]``) have the highest top probability, that one first.

    ``probabilities`` is ``float[n, k]``; there are at most ``most``.
    """
    places = np.flatnonzero(among)
    order = np.argsort(-probabilities[places].max(axis=1), kind="stable")
    return np.asarray(places[order][:most], np.int64)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that minimises the negative log-likelihood.

    ``logits`` is ``float32[n, k]``, ``labels`` ``int64[n]``. Temperature scaling: Guo et al. 2017,
    arXiv 1706.04599.
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_threshold(
    confidence: NDArray[np.float32], right: NDArray[np.bool_], share: float = RIGHT_IF_CERTAIN
) -> float:
    """Return the lowest confidence from which on ``share`` of the labels are ``right``.

    Both are ``[n]``. Selective classification: Geifman and El-Yaniv 2017, arXiv 1705.08500. Where
    none is good enough, only the surest label is.
    """
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    enough = np.flatnonzero(accuracy >= share)
    return float(confidence[order][enough[-1] if len(enough) else 0])


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    """Return the gap between confidence and accuracy, averaged over the images (Guo et al. 2017).

    ``probabilities`` is ``float32[n, k]``, ``labels`` ``int64[n]``; the gap is that of ``BINS``.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = (
        (index == place).sum()
        * abs(confidence[index == place].mean() - right[index == place].mean())
        for place in np.unique(index)
    )
    return float(sum(gaps) / len(labels))
