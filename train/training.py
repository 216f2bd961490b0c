"""One training from the images on disk to the model on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from scipy.special import softmax

from edge.contract import Framing, ModelContract
from edge.files import check_target
from edge.protocols import Detector
from train import provenance
from train.artifact import halve_kernels, save_model
from train.checkpoint import read_state
from train.data import Split, copies_in_train, fingerprint, load_splits, subset
from train.errors import ArtifactError
from train.examples import plain_examples, training_examples
from train.fit import Training, fastest_precision, fit
from train.framing import derive_framing
from train.install import framing_of
from train.inventory import list_unreadable
from train.layout import TEST
from train.metrics import (
    calibrate,
    evaluate,
    judged_by,
    measure,
    pack,
    rounded,
    totals,
    voted_where_known,
)
from train.mistakes import write_mistakes
from train.model import balance_logits, multiply_accumulates, predict_logits
from train.recipe import Recipe
from train.report import beside, write_report
from train.transfer import load_transfer
from train.views import show_views

_log = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    seed: int,
    images: Path,
    target: Path,
    detector: Detector,
    quiet: bool = False,
    choose_precision: Callable[[], str] = fastest_precision,
    logs: Path | None = None,
) -> dict[str, Any]:
    """Train ``recipe`` on ``images``, write ``target`` (``….h5``) and its report; return that one.

    ``detector`` tells how training images frame a face. A run that begins has the precision of
    ``choose_precision``, one that goes on keeps its own. A folder in ``logs`` gets its epochs for
    TensorBoard. Raises ``DatasetError``, ``ArtifactError`` where ``target`` or ``logs`` can't be
    written or a model is not there that ``recipe`` builds on, and ``KeyboardInterrupt`` on Ctrl-C;
    the next call with the same arguments goes on.
    """
    _expect_writable(target, "H5=….h5")
    if logs:
        _expect_writable(logs / "events", "LOGS=…")
    stem = target.with_suffix("")
    transfer = load_transfer(recipe)
    splits = _load(images, recipe)
    validation = splits["validation"]
    data = fingerprint(splits["train"], validation)
    state = _state_path(target, recipe, [seed, data, *transfer.origins.values()])
    begun = read_state(state)
    keras.utils.set_random_seed(seed)  # a layer that a warm start leaves out begins random
    precision = begun.precision if begun else choose_precision()
    teachers = transfer.teachers(precision, validation.classes)
    splits["train"] = subset(splits["train"], recipe.subset)
    examples = training_examples(splits["train"], recipe)
    voted = voted_where_known(validation)
    known = framing_of(images)
    framing, found = (known, 1.0) if known else derive_framing(splits["train"].images, detector)
    start = transfer.start(recipe, splits["train"])
    if recipe.views:
        examples = show_views(examples, recipe, teachers)
    del teachers  # memory for the pupil
    model, history = fit(
        Training(
            *(recipe, seed, precision, state, start),
            log=beside(stem, "log.csv"),
            summaries=logs / state.stem if logs else None,
        ),
        examples,
        plain_examples(validation),
        quiet,
    )
    balance_logits(model, examples.shares(), recipe.balance)
    half = recipe.residual is not None
    if half:
        halve_kernels(model)
    logits = predict_logits(model, validation.images)
    predicted = logits.argmax(axis=1)
    measured = measure(predicted, validation, splits["train"], voted)
    measured["validation"]["right"] = pack(predicted == validation.labels)
    judges = judged_by(validation.labels, voted, {"recipe": recipe.to_dict()})
    measured["validation"] |= calibrate(logits, judges)
    if TEST in splits:  # reported only: nothing is chosen by it
        predicted = predict_logits(model, splits[TEST].images).argmax(axis=1)
        copies = copies_in_train(splits[TEST], splits["train"])
        classes = splits[TEST].classes
        measured["test"] = evaluate(splits[TEST].labels, predicted, copies, classes)
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
    contract = _contract({detector.framing: framing}, validation, measured, source)
    save_model(model, contract, target, half)
    write_report(stem, report, history)
    write_mistakes(
        stem, validation, softmax(logits / measured["validation"]["temperature"], axis=1)
    )
    state.unlink()
    return report


def _expect_writable(target: Path, option: str) -> None:
    try:
        check_target(target)
    except OSError as error:
        raise ArtifactError(
            f"{target}: expected a file that can be written, found: {error.strerror}; "
            f"give another with 'make train {option}'"
        ) from error


def _load(images: Path, recipe: Recipe) -> dict[str, Split]:
    """Read all splits, and say which images are left out before hours of training."""
    splits = load_splits(images, recipe.side)
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


def _contract(
    framings: Mapping[str, Framing],
    validation: Split,
    measured: Mapping[str, Any],
    source: Mapping[str, Any],
) -> ModelContract:
    figures = measured["validation"]
    return ModelContract(
        labels=validation.classes,
        height=validation.images.shape[1],
        width=validation.images.shape[2],
        channels=1,
        framings=framings,
        **rounded(figures),
        provenance={**source, "validation": totals(figures)},
    )
