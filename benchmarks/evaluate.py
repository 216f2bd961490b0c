"""How good the deployed files are beyond one number, and who is seen from how far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import Struct

from benchmarks import calibration, framing, machine, robustness, search, sequences, stats
from benchmarks.calibration import Calibration
from benchmarks.candidates import DEPLOYED_MODEL, Candidate, check_origin
from benchmarks.errors import BenchmarkError
from benchmarks.framing import FramingRow
from benchmarks.results import Estimate, Origin
from benchmarks.robustness import Robustness
from benchmarks.search import Live, Recall
from benchmarks.sequences import Sequences
from convert.variants import DEPLOYED
from edge.protocols import Detector
from edge.recognizer import usable_cores
from edge.vision.classifier import TFLiteClassifier, load_classifier
from train.data import Split, copies_in_train, load_split
from train.metrics import judged_by, voted_where_known
from train.native import native_stderr_hidden
from train.provenance import digest

NAME = "evaluation.json"
COMMAND = "make evaluate"


class Copies(Struct, frozen=True):
    """Top-1 on the images whose pixels are in the training split too, and on the others."""

    copies: int
    others: int
    top1_copies: Estimate | None
    top1_others: Estimate | None


class Evaluation(Struct, frozen=True, tag_field="format", tag="evaluation-5"):
    """The deployed files by model, and the SHA-256 of each file.

    ``sequences`` are of ``framing_model``, None in results from before they were measured. All but
    ``calibration`` and ``copies`` judge the models ``by_votes`` by what most FER+ taggers say, as
    they are meant to, and the others by the labels.
    """

    origin: Origin
    models: dict[str, str]
    calibration: dict[str, Calibration]
    copies: dict[str, Copies]
    robustness: list[Robustness]
    framing_model: str
    framing: list[FramingRow]
    search: list[Recall]
    live: Live
    sequences: Sequences | None = None
    by_votes: list[str] = []


def evaluate(
    models: Sequence[Path],
    images: Path,
    detectors: Sequence[Detector],
    scenes: int = search.SCENES,
    live: Callable[[Path], Live] = search.measure_live,
) -> Evaluation:
    """Measure the int8 file of each of ``models`` (h5 paths) on the validation split.

    The framing, of the first of ``detectors``, the search, of all, and the sequences are measured
    with the deployed model, or with the last where that is not among them; ``scenes`` are those of
    a size, ``live`` measures the search in live pictures.
    Raises ``BenchmarkError``, ``DatasetError`` and ``EdgeError``.
    """
    if not models:
        raise BenchmarkError("models: expected one at least, found none; run 'make train'")
    validation, train = load_split(images, "validation"), load_split(images, "train")
    files = [Candidate(h5, DEPLOYED) for h5 in models]
    classifiers = {each.h5.stem: open_candidate(each) for each in files}
    for name, each in classifiers.items():
        if each.labels != validation.classes:
            raise BenchmarkError(
                f"{name}: expected the classes of {images}, {', '.join(validation.classes)}, found "
                f"{', '.join(each.labels)}; name the images that it has learnt from"
            )
    framed = (DEPLOYED_MODEL if DEPLOYED_MODEL in models else models[-1]).stem
    own = classifiers[framed]
    copies = copies_in_train(validation, train)
    voted = voted_where_known(validation)
    judges = {
        name: judged_by(validation.labels, voted, each.contract.provenance)
        for name, each in classifiers.items()
    }
    judged = replace(validation, labels=judges[framed]).part("validation", judges[framed] >= 0)
    return Evaluation(
        origin=machine.origin(),
        models={each.path.name: digest(each.path) for each in files},
        calibration={
            name: calibration.measure(each, validation, voted, judges[name])
            for name, each in classifiers.items()
        },
        copies={name: _copies(each, validation, copies) for name, each in classifiers.items()},
        robustness=robustness.measure(
            {name: each.classify for name, each in classifiers.items()}, validation.images, judges
        ),
        framing_model=framed,
        framing=framing.measure(
            own.classify, own.contract.framing(detectors[0].framing), detectors[0], judged
        ),
        search=search.measure(detectors, own, own.contract, judged, scenes),
        live=live(files[[each.h5.stem for each in files].index(framed)].path),
        sequences=sequences.measure(own.classify, own.contract, judged),
        by_votes=[name for name, labels in judges.items() if labels is voted],
    )


def open_candidate(candidate: Candidate) -> TFLiteClassifier:
    """Open the TFLite file of ``candidate``; raises ``EdgeError`` and ``BenchmarkError``."""
    check_origin(candidate)
    with native_stderr_hidden():
        return load_classifier(candidate.path, usable_cores())


def _copies(classifier: TFLiteClassifier, split: Split, copies: stats.Bools) -> Copies:
    right = np.asarray(classifier.classify(split.images).argmax(axis=1) == split.labels)
    shares = [stats.share(part) if part.size else None for part in (right[copies], right[~copies])]
    return Copies(int(copies.sum()), int((~copies).sum()), *shares)
