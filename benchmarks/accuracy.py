"""How often each subject is right, through the classifier that the runtime uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.subjects import TFLITE, Subject
from edge.classifier import load_classifier, softmax
from edge.contract import ModelContract
from edge.errors import ContractError, EdgeError
from train import provenance
from train.data import copies_in_train, load_split
from train.errors import TrainError
from train.metrics import (
    evaluate,
    evaluate_votes,
    expected_calibration_error,
    fitted_part,
    voted_labels,
)

_THREADS = 2


def measure(chosen: Sequence[Subject], images: Path) -> dict[str, dict[str, Any]]:
    """Return the figures of each file of ``chosen`` on the validation split, by subject name.

    Against FER2013's labels, and under ``"votes"`` against the FER+ majority; the calibration
    error is of the images that the temperature was not fitted on. A file that doesn't load has
    ``{"error": message}``. Raises ``DatasetError``.
    """
    validation = load_split(images, "validation")
    copies = copies_in_train(validation, load_split(images, "train"))
    voted = voted_labels(validation.images)
    reported = ~fitted_part(len(validation.labels))
    digests = {s.h5: provenance.digest(s.h5) for s in chosen if s.h5.is_file()}
    figures: dict[str, dict[str, Any]] = {}
    for subject in chosen:
        try:
            contract, probabilities = _classify(subject, validation.images, digests.get(subject.h5))
        except (EdgeError, TrainError) as error:
            figures[subject.name] = {"error": str(error)}
            continue
        predicted = probabilities.argmax(axis=1)
        figures[subject.name] = evaluate(validation.labels, predicted, copies) | {
            "calibration_error": expected_calibration_error(
                probabilities[reported], validation.labels[reported]
            ),
            "votes": evaluate_votes(voted, predicted, copies),
            "multiply_accumulates": contract.provenance.get("multiply_accumulates"),
        }
    return figures


def _classify(
    subject: Subject, images: np.ndarray, h5: str | None
) -> tuple[ModelContract, np.ndarray]:
    if subject.kind == TFLITE:
        classifier = load_classifier(subject.path, _THREADS)
        check_origin(subject.path, classifier.contract, h5)
        return classifier.contract, classifier.classify(images)
    from train.artifact import load_model  # noqa: PLC0415 - TensorFlow takes seconds
    from train.model import predict_logits  # noqa: PLC0415

    model, contract = load_model(subject.path)
    logits = np.asarray(predict_logits(model, images), np.float32)
    return contract, softmax(logits / np.float32(contract.temperature))


def check_origin(path: Path, contract: ModelContract, h5: str | None) -> None:
    """Raise ``ContractError`` for a file converted from another h5 than that of SHA-256 ``h5``.

    Where there is no h5, nothing is compared.
    """
    if h5 is not None and contract.provenance.get("h5_sha256") != h5:
        raise ContractError(
            f"{path.name}: expected a file converted from the h5 beside it, found one of another "
            "training; run 'make convert'"
        )
