"""How good a classifier is on a split, in the field's terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from train.data import LABELS
from train.votes import join, load_votes, majority


def evaluate(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], copies: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return top-1, macro-F1, per-class figures and the confusion matrix, ready for JSON.

    ``labels`` and ``predicted`` are ``int64[n]``; ``copies`` is ``bool[n]``, true for an image that
    is also in the training split. Rows of the confusion matrix are the true labels.
    """
    classes = range(len(LABELS))
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
        "per_class": {
            name: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
            }
            for i, name in enumerate(LABELS)
        },
        "confusion_matrix": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def evaluate_votes(
    images: NDArray[np.uint8], predicted: NDArray[np.int64], copies: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return ``evaluate`` against the majority of the FER+ taggers, for images that have one.

    ``images`` is ``uint8[n, h, w, 1]``. A majority is the one class of ``LABELS`` with most votes.
    Empty where none of the images is known to the taggers.
    """
    voted = majority(join(images, load_votes()))
    known = voted >= 0
    return evaluate(voted[known], predicted[known], copies[known]) if known.any() else {}


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that minimises the negative log-likelihood.

    ``logits`` is ``float32[n, k]``, ``labels`` ``int64[n]``. Temperature scaling: Guo et al. 2017,
    arXiv 1706.04599.
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15
) -> float:
    """Return the expected calibration error over equal-width bins (Guo et al. 2017).

    ``probabilities`` is ``float32[n, k]``, ``labels`` ``int64[n]``.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(index, confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))
