"""How good the deployed files are beyond one number: calibration, robustness, framing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import calibration, framing, robustness
from benchmarks.accuracy import check_origin
from benchmarks.errors import BenchmarkError
from benchmarks.results import digests, measured, read_file
from benchmarks.shapes import EVALUATION
from convert.variants import DEPLOYED, variant_path
from edge.classifier import TFLiteClassifier, load_classifier
from edge.device import usable_cores
from edge.files import write_text
from edge.frames import Detector
from train import provenance
from train.data import load_split
from train.recipes import DEPLOYED as RECIPE
from train.recipes import model_path
from train.report import save_figure

VERSION = 2
NAME = "evaluation.json"


def evaluate(models: Sequence[Path], images: Path, detector: Detector) -> dict[str, Any]:
    """Measure the int8 file of each of ``models`` (h5 paths) on the validation split.

    The framing is measured with the deployed one, or with the last where that is not among them.
    Raises ``BenchmarkError``, ``DatasetError`` and ``EdgeError``.
    """
    if not models:
        raise BenchmarkError("models: expected one at least, found none; run 'make train'")
    validation = load_split(images, "validation")
    classifiers = {h5.stem: _open(h5) for h5 in models}
    deployed = model_path(RECIPE)
    framed = (deployed if deployed in models else models[-1]).stem
    contract = classifiers[framed].contract
    return {
        "version": VERSION,
        **provenance.origin(),
        "models": digests(variant_path(h5, DEPLOYED) for h5 in models),
        "calibration": {
            name: calibration.measure(classifier, validation)
            for name, classifier in classifiers.items()
        },
        "robustness": robustness.measure(classifiers, validation),
        "framing": {"model": framed}
        | framing.measure(classifiers[framed], contract.framing, detector, validation),
    }


def _open(h5: Path) -> TFLiteClassifier:
    """The int8 file beside ``h5``, which must come from it."""
    path = variant_path(h5, DEPLOYED)
    classifier = load_classifier(path, usable_cores())
    check_origin(path, classifier.contract, provenance.digest(h5) if h5.is_file() else None)
    return classifier


def write(folder: Path, result: Mapping[str, Any]) -> None:
    """Write the result and its two figures into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / NAME, json.dumps(result, indent=1) + "\n")
    save_figure(calibration.reliability_figure(result["calibration"]), folder / "reliability.png")
    save_figure(calibration.coverage_figure(result["calibration"]), folder / "coverage.png")


def read(folder: Path) -> dict[str, Any]:
    """Read the result in ``folder``; raises ``ResultsError``."""
    return read_file(folder / NAME, VERSION, "make evaluate", EVALUATION)


def sections(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of ``result`` as Markdown, by the section of the model card."""
    origin = f"{measured(result, 'make evaluate')}."
    rows = result["calibration"]
    return {
        "calibration": "\n\n".join(
            (calibration.table(rows), f"{calibration.note(list(rows.values()))} {origin}")
        ),
        "robustness": f"{robustness.table(result['robustness'])}\n\n{origin}",
        "framing": "\n\n".join(
            (framing.table(result["framing"]), f"Of {result['framing']['model']}. {origin}")
        ),
    }
