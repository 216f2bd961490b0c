"""How often each file is right on the validation images, and how sure that is."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import stats
from benchmarks.candidates import Candidate
from benchmarks.errors import WorkerError
from benchmarks.latency import Start
from benchmarks.results import Accuracy, Score
from edge.types import Floats
from train.data import Split, fingerprint, load_split
from train.metrics import as_unseen, pack, voted_where_known

_THREADS = 2


@dataclass(frozen=True, slots=True)
class Exam:
    """A split with what predictions are compared with.

    ``voted`` (``int64[n]``) is the FER+ majority, -1 without one; ``fitted`` tells whether
    temperatures were fitted on the split.
    """

    split: Split
    voted: NDArray[np.int64]
    fitted: bool

    def score(self, probabilities: Floats, h5: Floats | None) -> Score:
        """Score ``probabilities`` (``float32[n, labels]``).

        ``h5`` is what the h5 of the same model gave, None for an h5 itself or without one.
        """
        labels, predicted = self.split.labels, probabilities.argmax(axis=1)
        right, voted = predicted == labels, self.voted >= 0
        calibrated = as_unseen(probabilities, labels)[0] if self.fitted else probabilities
        return Score(
            images=len(labels),
            top1=stats.share(right),
            macro_f1=stats.macro_f1(stats.confusion(labels, predicted, len(self.split.classes))),
            calibration_error=stats.calibration_error(calibrated, labels),
            votes_top1=stats.share((predicted == self.voted)[voted]) if voted.any() else None,
            recall={
                name: stats.share(right[labels == index])
                for index, name in enumerate(self.split.classes)
                if (labels == index).any()
            },
            versus_h5=None if h5 is None else stats.mcnemar(h5.argmax(axis=1) == labels, right),
        )


def measure(chosen: Sequence[Candidate], images: Path, start: Start) -> dict[str, Accuracy]:
    """Return the accuracy of each of ``chosen`` by its name.

    What does not load is left out: its times have the error. Where the user has a test split, it is
    scored too: nothing was chosen on it. Raises ``DatasetError``.
    """
    names = ("validation", "test") if (images / "test").is_dir() else ("validation",)
    exams = [exam(images, name) for name in names]
    found: dict[Path, list[Floats]] = {}
    for candidate in {each.path: each for each in chosen}.values():
        with suppress(WorkerError):
            arrays = [each.split.images for each in exams]
            found[candidate.path] = predictions(candidate, arrays, start)
    return {
        each.name: _accuracy(exams, found[each.path], None if each.is_h5 else found.get(each.h5))
        for each in chosen
        if each.path in found
    }


def exam(images: Path, name: str) -> Exam:
    """Load a split."""
    split = load_split(images, name)
    return Exam(split, voted_where_known(split), fitted=name == "validation")


def predictions(
    candidate: Candidate, images: Sequence[NDArray[np.uint8]], start: Start
) -> list[Floats]:
    """Return the probabilities ``float32[n, labels]`` for each array of ``images``.

    Raises ``WorkerError``.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, output = Path(folder, "images.npy"), Path(folder, "probabilities.npy")
        np.save(inputs, images[0])
        with start(candidate, _THREADS, inputs) as worker:
            worker.reply()
            found = []
            for array in images:
                np.save(inputs, array)
                worker.ask("predict", images=str(inputs), output=str(output))
                found.append(np.load(output))
            return found


def _accuracy(
    exams: Sequence[Exam], own: Sequence[Floats], h5: Sequence[Floats] | None
) -> Accuracy:
    scores = [
        each.score(probabilities, h5[place] if h5 else None)
        for place, (each, probabilities) in enumerate(zip(exams, own, strict=True))
    ]
    validation = exams[0].split
    return Accuracy(
        whole=scores[0],
        right=pack(own[0].argmax(axis=1) == validation.labels),
        images=fingerprint(validation),
        test=scores[1] if len(scores) > 1 else None,
    )
