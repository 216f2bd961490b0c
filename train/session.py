"""One training from the images on disk to the model on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from edge.contract import Framing, ModelContract
from edge.files import check_target
from edge.frames import Detector
from train import precision, provenance
from train.artifact import save_model
from train.checkpoint import read_state
from train.data import IMAGE_SIZE, LABELS, Split, copies_in_train, fingerprint, load_split
from train.errors import ArtifactError
from train.examples import plain_examples, training_examples
from train.fit import History, Run, fit
from train.framing import derive_framing
from train.inventory import list_unreadable
from train.lineage import find_lineage
from train.metrics import (
    evaluate,
    expected_calibration_error,
    fit_temperature,
    fitted_part,
    measure,
    voted_where_known,
)
from train.model import multiply_accumulates, predict_logits
from train.recipes import Recipe
from train.report import write_report

UNCERTAIN_BELOW = 0.5
"""The runtime gives a label where it is more likely right than wrong: the probabilities that it
compares with this are calibrated."""
_TEST = "test"


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a training produced: the file, and the figures of its report."""

    path: Path
    report: dict[str, Any]


def train(
    recipe: Recipe,
    seed: int,
    images: Path,
    target: Path,
    detector: Detector,
    quiet: bool = False,
    choose_precision: Callable[[], str] = precision.fastest,
) -> Outcome:
    """Train ``recipe`` on ``images`` and write ``target`` (``….h5``) with its report beside it.

    ``detector`` tells how training images frame a face; a run that begins has the precision of
    ``choose_precision``. Raises ``DatasetError``, ``ArtifactError``
    where ``target`` can't be written or a model is not there from which ``recipe`` takes something,
    and ``KeyboardInterrupt`` on Ctrl-C; the next call with the same arguments goes on from there.
    """
    _expect_writable(target)
    lineage = find_lineage(recipe)
    splits = _load(images, quiet)
    data = fingerprint(splits["train"], splits["validation"])
    examples = training_examples(splits["train"], recipe)
    voted = voted_where_known(splits["validation"].images)
    validation = plain_examples(splits["validation"])
    state = _state_path(target, recipe, [seed, data, *lineage.origins.values()])
    framing, found = derive_framing(splits["train"].images, detector)
    begun = read_state(state)
    policy = begun.precision if begun else choose_precision()
    run = Run(recipe, seed, policy, state, lineage.weights, lineage.teachers(policy))
    model, history = fit(run, examples, validation, quiet)
    origin = _origin(state)
    source = {"data": data, **lineage.origins, **_source(run, model, origin["commit"])}
    circumstances = {
        **origin,
        **_circumstances(model, history),
        "unreadable": _unreadable(splits),
        "framing": {"faces_found_in": found} | dataclasses.asdict(framing),
    }
    outcome = finish(model, history, splits, voted, framing, source, circumstances, target)
    state.unlink(missing_ok=True)
    return outcome


def finish(
    model: keras.Model,
    history: History,
    splits: Mapping[str, Split],
    voted: NDArray[np.int64],
    framing: Framing,
    source: Mapping[str, Any],
    circumstances: Mapping[str, Any],
    target: Path,
) -> Outcome:
    """Measure a trained ``model`` and write it with its contract and report.

    ``voted`` is ``int64[n]``, the taggers' labels of the validation split. ``source`` is what
    defines the training and goes into both, ``circumstances`` into the report.
    """
    validation = splits["validation"]
    logits = predict_logits(model, validation.images)
    measured = measure(logits.argmax(axis=1), validation, splits["train"], voted)
    calibration, temperature = _calibrated(logits, validation.labels)
    figures = measured["validation"] | calibration
    chosen = {key: figures[key] for key in ("top1", "top1_without_copies", "macro_f1")}
    origin = dict(source) | {"validation": chosen}
    report = {
        **source,
        **circumstances,
        **measured,
        "validation": figures,
        "history": history,
    }
    if _TEST in splits:
        report["test"] = _reported_only(model, splits["train"], splits[_TEST])
    save_model(model, _contract(framing, temperature, origin), target)
    write_report(target.with_suffix(""), report, history)
    return Outcome(target, report)


def _expect_writable(target: Path) -> None:
    try:
        check_target(target)
    except OSError as error:
        raise ArtifactError(
            f"{target}: expected a file that can be written, found: {error.strerror}; "
            "give another with 'make train H5=….h5'"
        ) from error


def _load(images: Path, quiet: bool) -> dict[str, Split]:
    """Read all splits, and say which images are left out before hours of training."""
    names = ["train", "validation"] + [_TEST] * (images / _TEST).is_dir()
    splits = {name: load_split(images, name) for name in names}
    for line in () if quiet else list_unreadable(_unreadable(splits)):
        print(line)
    return splits


def _unreadable(splits: dict[str, Split]) -> list[str]:
    return [path for split in splits.values() for path in split.unreadable]


def _contract(framing: Framing, temperature: float, source: dict[str, Any]) -> ModelContract:
    return ModelContract(
        labels=LABELS,
        height=IMAGE_SIZE,
        width=IMAGE_SIZE,
        channels=1,
        framing=framing,
        temperature=round(temperature, 4),
        uncertain_below=UNCERTAIN_BELOW,
        provenance=source,
    )


def _origin(state: Path) -> dict[str, str]:
    """Machine, commit and date of the training, which may have been before this process."""
    ended = read_state(state)
    return ended.origin if ended else provenance.origin()


def _source(run: Run, model: keras.Model, commit: str) -> dict[str, Any]:
    return {
        "recipe": run.recipe.to_dict(),
        "seed": run.seed,
        "commit": commit,
        "precision": run.precision,
        "multiply_accumulates": multiply_accumulates(model),
    }


def _circumstances(model: keras.Model, history: History) -> dict[str, Any]:
    return {
        "versions": provenance.versions("tensorflow", "keras", "numpy"),
        "minutes": round(sum(history["seconds"]) / 60, 1),
        "parameters": model.count_params(),
    }


def _calibrated(logits: np.ndarray, labels: NDArray[np.int64]) -> tuple[dict[str, Any], float]:
    """Figures of the calibration, and the temperature."""
    fitted = fitted_part(len(labels))
    temperature = fit_temperature(logits[fitted], labels[fitted])
    errors = {
        f"calibration_error_{name}": expected_calibration_error(
            softmax(logits[~fitted] / divisor, axis=1), labels[~fitted]
        )
        for name, divisor in (("before", 1.0), ("after", temperature))
    }
    return errors | {"temperature": temperature}, temperature


def _reported_only(model: keras.Model, train_split: Split, test: Split) -> dict[str, Any]:
    """Figures on a split that a user brought; nothing is chosen by them."""
    predicted = predict_logits(model, test.images).argmax(axis=1)
    return evaluate(test.labels, predicted, copies_in_train(test, train_split))


def _state_path(target: Path, recipe: Recipe, further: Sequence[Any]) -> Path:
    """One file for each run, so that no other recipe, seed, data or lineage goes on from it."""
    identity = json.dumps([recipe.to_dict(), *further], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return target.parent / "checkpoints" / f"{recipe.name}-{digest}.npz"
