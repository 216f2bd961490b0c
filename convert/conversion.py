"""One conversion from the h5 to all TFLite files, or to none."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from convert.calibration import representative_sample
from convert.operators import check_integer_only
from convert.parity import Parity, check, compare
from convert.quantize import VARIANTS, Convert
from convert.variants import DEPLOYED, variant_path
from edge.contract import ModelContract, embed
from edge.files import check_target, replacing
from edge.vision.classifier import TFLiteClassifier
from train import provenance
from train.artifact import load_model
from train.data import check_classes, copies_in_train, load_splits
from train.metrics import totals
from train.model import predict_logits
from train.native import native_stderr_hidden

_THREADS = 2
_log = logging.getLogger(__name__)


def convert(h5: Path, images: Path, variants: Mapping[str, Convert] = VARIANTS) -> list[Parity]:
    """Write every variant of ``h5`` beside it and return their parity figures.

    Raises ``ArtifactError``, ``DatasetError``, ``OperatorError``, ``ParityError``, and ``OSError``
    where a file can't be written; then no file has changed.
    """
    model, contract = load_model(h5)
    parity = h5.with_name(f"{h5.stem}_parity.json")
    for target in (parity, *(variant_path(h5, variant) for variant in variants)):
        check_target(target)
    splits = load_splits(images, contract.height)
    train, validation = splits["train"], splits["validation"]
    check_classes(validation, contract.labels, str(h5))
    sample = representative_sample(train)
    copies = copies_in_train(validation, train)
    expected = predict_logits(model, validation.images).argmax(axis=1)
    digest = provenance.digest(h5)
    contents, rows = {}, []
    for variant, scheme in variants.items():
        _log.info("%s: converting, and comparing it on the validation split …", variant)
        flatbuffer = scheme(model, sample)
        if variant == DEPLOYED and "adopted" not in contract.provenance:
            check_integer_only(flatbuffer)
        path = variant_path(h5, variant)
        with native_stderr_hidden():
            classifier = TFLiteClassifier(embed(flatbuffer, contract), path.name, _THREADS)
        found = classifier.logits(validation.images).argmax(axis=1)
        row = compare(variant, expected, found, validation, copies)
        rows.append(row)
        contents[path] = embed(flatbuffer, _with_parity(contract, digest, row))
    check(rows)
    contents[parity] = _report(digest, contract, rows).encode()
    _write_all(contents)
    return rows


def convert_unmeasured(h5: Path) -> list[Path]:
    """Write the variants of ``h5`` that need no images beside it, and return their paths.

    Nothing compares them with it, and int8 is not among them: its ranges come from images. Raises
    ``ArtifactError``, ``OperatorError``, ``ModelFileError`` where a file's answers are no
    probabilities, and ``OSError`` where a file can't be written; then no file has changed.
    """
    model, contract = load_model(h5)
    digest, contents = provenance.digest(h5), {}
    nothing = np.empty((0, *model.input.shape[1:]), np.uint8)
    for variant in VARIANTS:
        path = variant_path(h5, variant)
        check_target(path)
        if variant == DEPLOYED:
            if path.exists():
                _log.warning("%s is there still, of an earlier conversion", path)
            continue
        _log.info("%s: converting …", variant)
        flatbuffer = VARIANTS[variant](model, nothing)
        origin = {**contract.provenance, "variant": variant, "h5_sha256": digest}
        contents[path] = embed(flatbuffer, dataclasses.replace(contract, provenance=origin))
        with native_stderr_hidden():
            TFLiteClassifier(contents[path], path.name, _THREADS)
    _write_all(contents)
    return list(contents)


def _with_parity(contract: ModelContract, digest: str, row: Parity) -> ModelContract:
    """The contract of one file: the training's, and what was measured of this variant."""
    origin = dict(contract.provenance) | {
        "variant": row.variant,
        "h5_sha256": digest,
        "validation": totals(row.figures),
        "agreement_with_h5": row.agreement,
    }
    return dataclasses.replace(contract, provenance=origin)


def _write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files aside before the first takes its place."""
    with contextlib.ExitStack() as stack:
        for path, content in contents.items():
            with stack.enter_context(replacing(path)).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a full disk is noticed before the first rename


def _report(digest: str, contract: ModelContract, rows: list[Parity]) -> str:
    report = {
        "h5_sha256": digest,
        **provenance.origin(),
        "h5_validation": contract.provenance.get("validation"),
        "variants": [dataclasses.asdict(row) for row in rows],
    }
    return json.dumps(report, indent=1) + "\n"
