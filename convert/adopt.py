"""A model that something else wrote becomes one of ours: an ``.h5`` with a contract."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from convert.errors import AdoptionError
from convert.foreign import open_foreign
from convert.rebuild import RANGES, rebuild, rescales_itself
from edge.contract import H5_ATTRIBUTE, Framing, ModelContract
from edge.errors import ContractError
from edge.files import check_target
from edge.protocols import Detector
from train import provenance
from train.artifact import save_model
from train.data import check_classes, copies_in_train, fingerprint, load_splits
from train.framing import USUAL, derive_framing
from train.install import framing_of
from train.metrics import calibrate, evaluate, rounded, totals
from train.model import multiply_accumulates, predict_logits

_log = logging.getLogger(__name__)


def adopt(
    source: Path, labels: Sequence[str], values: str, images: Path | None, detector: Detector
) -> Path:
    """Write the model of ``source`` with a contract beside it, and return that path.

    ``labels`` are those of its outputs in their order, ``values`` one of ``RANGES``, what it takes
    for black and white. From ``images``, a data set of the same classes, come temperature,
    threshold and the framing of the boxes of ``detector``; without them the usual ones are taken.
    Raises ``AdoptionError``, ``DatasetError``, and ``OSError`` where no file can be written.
    """
    _check_options(labels, values)
    target = source.with_name(f"{source.stem}_adopted.h5")
    network = open_foreign(source)
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise AdoptionError(
            f"{source}: expected weights that are numbers, found NaN or infinity; its training "
            "failed, so take an earlier file of it"
        )
    if values != "0..255" and rescales_itself(network):
        _log.warning(
            "%s rescales what it gets; look whether INPUT=0..255 is what it was trained on", source
        )
    try:
        model = rebuild(network, labels, values)
    except AdoptionError as error:
        raise AdoptionError(f"{source}: {error}") from error
    _expect_free(target)
    ordered = tuple(sorted(labels))
    origin = {"file": source.name, "sha256": provenance.digest(source), "input": values}
    framing, measured = USUAL, dict[str, Any]()
    if images:
        framing, measured = _measure(model, ordered, images, detector)
    contract = ModelContract(
        labels=ordered,
        height=model.input.shape[1],
        width=model.input.shape[2],
        channels=1,
        framings={detector.framing: framing},
        temperature=measured.pop("temperature", 1.0),
        uncertain_below=measured.pop("uncertain_below", 0.0),
        provenance={
            "adopted": origin,
            "commit": provenance.commit(),
            "multiply_accumulates": multiply_accumulates(model),
            **measured,
        },
    )
    save_model(model, contract, target)
    return target


def parse_labels(text: str) -> tuple[str, ...]:
    """Return the names in ``text``, which commas separate."""
    return tuple(part.strip() for part in text.split(","))


def _check_options(labels: Sequence[str], values: str) -> None:
    if values not in RANGES:
        raise AdoptionError(
            f"INPUT: expected one of {', '.join(RANGES)}, what the network takes for black and "
            f"white, found {values or 'nothing'}; give the one that it was trained on"
        )
    try:
        ModelContract(tuple(labels), 1, 1, 1)
    except ContractError as error:
        found = ", ".join(map(repr, labels)) if any(labels) else "nothing"
        raise AdoptionError(
            f"LABELS: expected a different name for each output, found {found}; "
            "separate them by commas, and give them in the order in which it was trained"
        ) from error


def _expect_free(target: Path) -> None:
    """Refuse to replace what is not ours."""
    check_target(target)
    if not target.exists():
        return
    try:
        with h5py.File(target, "r") as file:
            ours = H5_ATTRIBUTE in file.attrs
    except OSError:
        ours = False
    if not ours:
        raise AdoptionError(
            f"{target}: expected a model of ours to replace, found another file; move it away"
        )


def _measure(
    model: keras.Model, labels: Sequence[str], images: Path, detector: Detector
) -> tuple[Framing, dict[str, Any]]:
    """The framing of ``images``, and how good ``model`` is on them."""
    splits = load_splits(images, model.input.shape[1])
    train, validation = splits["train"], splits["validation"]
    check_classes(validation, labels, "LABELS")
    framing = framing_of(images) or derive_framing(train.images, detector)[0]
    logits = predict_logits(model, validation.images)
    predicted = logits.argmax(axis=1)
    copies = copies_in_train(validation, train)
    figures = evaluate(validation.labels, predicted, copies, validation.classes)
    fitted = calibrate(logits, validation.labels)
    return framing, {
        **rounded(fitted),
        "data": fingerprint(train, validation),
        "validation": totals(figures),
    }
