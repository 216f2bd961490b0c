"""One training from the images on disk to the model on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from edge.contract import Framing, ModelContract
from edge.files import check_target
from edge.protocols import Detector
from train import provenance
from train.artifact import halve_kernels, save_model
from train.checkpoint import read_state
from train.data import IMAGE_SIZE, LABELS, Split, copies_in_train, fingerprint, load_split
from train.errors import ArtifactError
from train.examples import plain_examples, training_examples
from train.fit import Training, fastest_precision, fit
from train.framing import derive_framing
from train.inventory import list_unreadable
from train.metrics import (
    evaluate,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    fitted_part,
    measure,
    voted_where_known,
)
from train.model import multiply_accumulates, predict_logits
from train.recipe import Recipe
from train.report import write_report
from train.transfer import load_transfer
from train.views import show_views

_TEST = "test"
_log = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    seed: int,
    images: Path,
    target: Path,
    detector: Detector,
    quiet: bool = False,
    choose_precision: Callable[[], str] = fastest_precision,
) -> dict[str, Any]:
    """Train ``recipe`` on ``images``, write ``target`` (``….h5``) and its report; return that one.

    ``detector`` tells how training images frame a face. A run that begins has the precision of
    ``choose_precision``, one that goes on keeps its own. Raises ``DatasetError``,
    ``ArtifactError`` where ``target`` can't be written or a model is not there that ``recipe``
    builds on, and ``KeyboardInterrupt`` on Ctrl-C; the next call with the same arguments goes on.
    """
    _expect_writable(target)
    transfer = load_transfer(recipe)
    splits = _load(images)
    validation = splits["validation"]
    data = fingerprint(splits["train"], validation)
    examples = training_examples(splits["train"], recipe)
    voted = voted_where_known(validation.images)
    framing, found = derive_framing(splits["train"].images, detector)
    state = _state_path(target, recipe, [seed, data, *transfer.origins.values()])
    begun = read_state(state)
    precision = begun.precision if begun else choose_precision()
    start = transfer.start(recipe, splits["train"].images)
    teachers = transfer.teachers(precision)
    if recipe.views:
        examples, teachers = show_views(examples, recipe, teachers), ()
    model, history = fit(
        Training(recipe, seed, precision, state, start, teachers),
        examples,
        plain_examples(validation),
        quiet,
    )
    half = recipe.residual is not None
    if half:
        halve_kernels(model)
    logits = predict_logits(model, validation.images)
    measured = measure(logits.argmax(axis=1), validation, splits["train"], voted)
    measured["validation"] |= _calibration(logits, validation.labels, voted, recipe)
    if _TEST in splits:  # reported only: nothing is chosen by it
        predicted = predict_logits(model, splits[_TEST].images).argmax(axis=1)
        copies = copies_in_train(splits[_TEST], splits["train"])
        measured["test"] = evaluate(splits[_TEST].labels, predicted, copies)
    source = {
        "data": data,
        **transfer.origins,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "commit": provenance.commit(),
        "precision": precision,
        "multiply_accumulates": multiply_accumulates(model),
    }
    report = {
        **source,
        **provenance.origin(),
        "versions": provenance.versions("tensorflow", "keras", "numpy"),
        "minutes": round(sum(history["seconds"]) / 60, 1),
        "parameters": model.count_params(),
        "unreadable": _unreadable(splits),
        "framing": {"detector": detector.framing, "faces_found_in": found}
        | dataclasses.asdict(framing),
        **measured,
        "history": history,
    }
    save_model(model, _contract({detector.framing: framing}, measured, source), target, half)
    write_report(target.with_suffix(""), report, history)
    state.unlink()
    return report


def _expect_writable(target: Path) -> None:
    try:
        check_target(target)
    except OSError as error:
        raise ArtifactError(
            f"{target}: expected a file that can be written, found: {error.strerror}; "
            "give another with 'make train H5=….h5'"
        ) from error


def _load(images: Path) -> dict[str, Split]:
    """Read all splits, and say which images are left out before hours of training."""
    names = ["train", "validation"] + [_TEST] * (images / _TEST).is_dir()
    splits = {name: load_split(images, name) for name in names}
    for line in list_unreadable(_unreadable(splits)):
        _log.warning(line)
    return splits


def _unreadable(splits: dict[str, Split]) -> list[str]:
    return [path for split in splits.values() for path in split.unreadable]


def _state_path(target: Path, recipe: Recipe, further: Sequence[Any]) -> Path:
    """One file for each run, so that no other recipe, seed, data or teacher goes on from it."""
    identity = json.dumps([recipe.to_dict(), *further], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return target.parent / "checkpoints" / f"{recipe.name}-{digest}.npz"


def _calibration(
    logits: np.ndarray, labels: NDArray[np.int64], voted: NDArray[np.int64], recipe: Recipe
) -> dict[str, float]:
    """Temperature and threshold, fitted on one part of the split, and the errors on the other.

    A recipe that learns votes is certain of what most taggers say, any other one of the labels.
    """
    fitted = fitted_part(len(labels))
    temperature = fit_temperature(logits[fitted], labels[fitted])
    calibrated = softmax(logits / temperature, axis=1)
    errors = {
        f"calibration_error_{name}": expected_calibration_error(
            probabilities[~fitted], labels[~fitted]
        )
        for name, probabilities in (("before", softmax(logits, axis=1)), ("after", calibrated))
    }
    judged = voted if recipe.votes and (voted >= 0).any() else labels
    own = fitted & (judged >= 0)
    right = calibrated.argmax(axis=1) == judged
    threshold = fit_threshold(calibrated[own].max(axis=1), right[own])
    return errors | {"temperature": temperature, "uncertain_below": min(threshold, 0.99)}


def _contract(
    framings: Mapping[str, Framing], measured: Mapping[str, Any], source: Mapping[str, Any]
) -> ModelContract:
    figures = measured["validation"]
    chosen = {key: figures[key] for key in ("top1", "top1_without_copies", "macro_f1")}
    return ModelContract(
        labels=LABELS,
        height=IMAGE_SIZE,
        width=IMAGE_SIZE,
        channels=1,
        framings=framings,
        temperature=round(figures["temperature"], 4),
        uncertain_below=round(figures["uncertain_below"], 3),
        provenance={**source, "validation": chosen},
    )
