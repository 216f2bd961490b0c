"""How often each subject is right, through the classifier that the runtime uses."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.subjects import TFLITE, Subject
from edge.classifier import load_classifier, softmax
from edge.contract import ModelContract
from edge.errors import ContractError, EdgeError
from train.data import copies_in_train, load_split
from train.errors import TrainError
from train.metrics import evaluate, evaluate_votes, expected_calibration_error

_THREADS = 2


def measure(chosen: Sequence[Subject], images: Path) -> dict[str, dict[str, Any]]:
    """Return the figures of each file of ``chosen`` on the validation split, by subject name.

    Against FER2013's labels, and under ``"votes"`` against the FER+ majority. A file that doesn't
    load has ``{"error": message}``. Raises ``DatasetError``.
    """
    validation = load_split(images, "validation")
    copies = copies_in_train(validation, load_split(images, "train"))
    digests = {s.h5: _digest(s.h5) for s in chosen if s.h5.is_file()}
    figures: dict[str, dict[str, Any]] = {}
    for subject in chosen:
        try:
            probabilities = _probabilities(subject, validation.images, digests.get(subject.h5))
        except (EdgeError, TrainError) as error:
            figures[subject.name] = {"error": str(error)}
            continue
        predicted = probabilities.argmax(axis=1)
        figures[subject.name] = evaluate(validation.labels, predicted, copies) | {
            "calibration_error": expected_calibration_error(probabilities, validation.labels),
            "votes": evaluate_votes(validation.images, predicted, copies),
        }
    return figures


def _probabilities(subject: Subject, images: np.ndarray, h5: str | None) -> np.ndarray:
    if subject.kind == TFLITE:
        classifier = load_classifier(subject.path, _THREADS)
        _check_origin(subject.path, classifier.contract, h5)
        return classifier.classify(images)
    from train.artifact import load_model  # noqa: PLC0415 - TensorFlow takes seconds
    from train.model import predict_logits  # noqa: PLC0415

    model, contract = load_model(subject.path)
    logits = np.asarray(predict_logits(model, images), np.float32)
    return softmax(logits / np.float32(contract.temperature))


def _check_origin(path: Path, contract: ModelContract, h5: str | None) -> None:
    """Refuse a file that was converted from another h5 than the one it is compared with."""
    if h5 is not None and contract.provenance.get("h5_sha256") != h5:
        raise ContractError(
            f"{path.name}: expected a file converted from the h5 beside it, found one of another "
            "training; run 'make convert'"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
