"""How often each subject is right, through the classifier that the runtime uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.subjects import TFLITE, Subject
from benchmarks.uncertainty import (
    calibration_interval,
    macro_f1_interval,
    mcnemar,
    share_interval,
)
from edge.classifier import load_classifier, softmax
from edge.contract import ModelContract, extract
from edge.errors import ContractError, EdgeError
from edge.frames import Floats
from edge.interpreter import read_model_file
from train import provenance
from train.data import LABELS, Split, copies_in_train, fingerprint, load_split
from train.errors import DatasetError, TrainError
from train.metrics import (
    evaluate,
    evaluate_votes,
    expected_calibration_error,
    fitted_part,
    voted_labels,
)

_THREADS = 2
_WITHOUT_COPIES = ("images", "top1", "macro_f1", "per_class")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a subject made of the validation images, and why not where it could not.

    ``right`` has a "1" for each image that it knew and a "0" for the others, and ``images`` is the
    fingerprint of these images.
    """

    error: str = ""
    figures: dict[str, Any] | None = None
    multiply_accumulates: int | None = None
    right: str = ""
    images: str = ""


class _Read(NamedTuple):
    """What a file says of itself, and its ``float32[n, labels]`` by the name of the split."""

    contract: ModelContract
    probabilities: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Exam:
    """A split with all that answers are compared with, each of ``bool[n]`` or ``int64[n]``.

    ``copies`` marks the images that are in the training split too, ``voted`` is the FER+ majority,
    and ``reported`` marks those that calibration is reported on.
    """

    split: Split
    copies: NDArray[np.bool_]
    voted: NDArray[np.int64]
    reported: NDArray[np.bool_]

    def figures(self, probabilities: Floats, h5: Floats | None) -> dict[str, Any]:
        """Return accuracy with intervals of 95 %, ready for JSON.

        ``probabilities`` is ``float32[n, labels]``, and so is what the ``h5`` of the same model
        answered: None for an h5 itself, and where it is missing. Of the images without a copy in
        train the same figures stand under ``"without_copies"``; None where there are none.
        """
        labels, predicted = self.split.labels, probabilities.argmax(axis=1)
        alone = ~self.copies
        result = evaluate(labels, predicted, self.copies) | {
            "votes": evaluate_votes(self.voted, predicted, self.copies),
            **self._tested(np.ones(len(labels), bool), probabilities, h5),
            "without_copies": None,
        }
        result["intervals"] |= {
            "top1_without_copies": share_interval((predicted == labels)[alone]),
            "macro_f1_without_copies": macro_f1_interval(labels[alone], predicted[alone]),
        }
        if (alone & self.reported).any():
            whole = evaluate(labels[alone], predicted[alone], self.copies[alone])
            named = {name: whole[name] for name in _WITHOUT_COPIES}
            result["without_copies"] = named | self._tested(alone, probabilities, h5)
        return result

    def _tested(
        self, part: NDArray[np.bool_], probabilities: Floats, h5: Floats | None
    ) -> dict[str, Any]:
        """Calibration, the test against the ``h5`` and intervals, of a ``part`` of the images."""
        labels, predicted = self.split.labels[part], probabilities[part].argmax(axis=1)
        right = predicted == labels
        shown = probabilities[part & self.reported], self.split.labels[part & self.reported]
        discordant = None
        if h5 is not None:
            only_h5, only_this, p = mcnemar(h5[part].argmax(axis=1) == labels, right)
            discordant = {"only_h5": only_h5, "only_this": only_this, "p": p}
        return {
            "calibration_error": expected_calibration_error(*shown),
            "mcnemar": discordant,
            "intervals": {
                "top1": share_interval(right),
                "macro_f1": macro_f1_interval(labels, predicted),
                "calibration_error": calibration_interval(*shown),
                "recall": {
                    name: share_interval(right[labels == index])
                    for index, name in enumerate(LABELS)
                },
            },
        }


def measure(
    chosen: Sequence[Subject], images: Path, leave_out: Callable[[str], None]
) -> dict[str, Answers]:
    """Return what each of ``chosen`` answers on the validation split, by its name.

    Against FER2013's labels, and under ``"votes"`` against the FER+ majority; the calibration
    error is of the images that the temperature was not fitted on. Where the user has a test split,
    its figures stand under ``"test"``: nothing was chosen on it. ``leave_out`` is told where that
    split is damaged. Raises ``DatasetError`` for the others.
    """
    train = load_split(images, "train")
    exams = {"validation": _exam(images, "validation", train)}
    if (images / "test").is_dir():
        try:
            exams["test"] = _exam(images, "test", train)
        except DatasetError as error:
            leave_out(f"accuracy on the test split left out: {error}")
    digests = {s.h5: provenance.digest(s.h5) for s in chosen if s.h5.is_file()}
    read: dict[Path, _Read] = {}
    answers = {}
    for subject in chosen:
        try:
            own = read.get(subject.path) or _classify(subject, exams, digests.get(subject.h5))
        except (EdgeError, TrainError) as error:
            answers[subject.name] = Answers(error=str(error))
            continue
        read[subject.path] = own
        of_h5 = read.get(subject.h5) if subject.kind == TFLITE else None
        answers[subject.name] = _answers(exams, own, of_h5)
    return answers


def _exam(images: Path, name: str, train: Split) -> Exam:
    split = load_split(images, name)
    count = len(split.labels)
    # The temperature was fitted on a part of the validation split, and on nothing of another.
    reported = ~fitted_part(count) if name == "validation" else np.ones(count, bool)
    return Exam(split, copies_in_train(split, train), voted_labels(split.images), reported)


def _classify(subject: Subject, exams: Mapping[str, Exam], h5: str | None) -> _Read:
    if subject.kind == TFLITE:
        classifier = load_classifier(subject.path, _THREADS)
        check_origin(subject.path, classifier.contract, h5)
        return _Read(
            classifier.contract,
            {name: classifier.classify(exam.split.images) for name, exam in exams.items()},
        )
    from train.artifact import load_model  # noqa: PLC0415 - TensorFlow takes seconds
    from train.model import predict_logits  # noqa: PLC0415

    model, contract = load_model(subject.path)
    scale = np.float32(contract.temperature)
    return _Read(
        contract,
        {
            name: softmax(np.asarray(predict_logits(model, exam.split.images), np.float32) / scale)
            for name, exam in exams.items()
        },
    )


def _answers(exams: Mapping[str, Exam], own: _Read, of_h5: _Read | None) -> Answers:
    figures = {
        name: exam.figures(own.probabilities[name], of_h5 and of_h5.probabilities[name])
        for name, exam in exams.items()
    }
    whole = figures.pop("validation")
    validation = exams["validation"].split
    right = own.probabilities["validation"].argmax(axis=1) == validation.labels
    return Answers(
        figures=whole | figures,
        multiply_accumulates=own.contract.provenance.get("multiply_accumulates"),
        right="".join("01"[int(known)] for known in right),
        images=fingerprint(validation),
    )


def foreign(chosen: Sequence[Subject]) -> dict[str, Answers]:
    """Return the files of ``chosen`` that come from another training than the h5 beside them.

    By their names, with nothing but the error. It takes no data: a time under the wrong name is as
    wrong as an accuracy. What can't be read says so where it is loaded.
    """
    digests = {s.h5: provenance.digest(s.h5) for s in chosen if s.h5.is_file()}
    found = {}
    for subject in chosen:
        if subject.kind != TFLITE:
            continue
        with suppress(EdgeError):
            contract = extract(read_model_file(subject.path))
            try:
                check_origin(subject.path, contract, digests.get(subject.h5))
            except ContractError as error:
                found[subject.name] = Answers(error=str(error))
    return found


def check_origin(path: Path, contract: ModelContract, h5: str | None) -> None:
    """Raise ``ContractError`` for a file converted from another h5 than that of SHA-256 ``h5``.

    Where there is no h5, nothing is compared.
    """
    if h5 is not None and contract.provenance.get("h5_sha256") != h5:
        raise ContractError(
            f"{path.name}: expected a file converted from the h5 beside it, found one of another "
            "training; run 'make convert'"
        )
