"""One candidate in a process of its own, measured on request.

``python -m benchmarks.worker VARIANT PATH THREADS FACES`` loads the file, says how long that and
the first call took, and serves. A process of its own, because TensorFlow sets its threads once for
all and peak RSS is then that of this file alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.keras_classifier import H5, PREDICT, KerasClassifier
from benchmarks.reference import Reference, milliseconds
from benchmarks.serving import replies, serve
from edge.errors import EdgeError
from edge.types import Floats
from edge.vision.classifier import load_classifier
from train.errors import TrainError

Classify = Callable[[NDArray[np.uint8]], Floats]
"""Raw grey ``uint8[n, h, w, 1]`` → probabilities ``float32[n, labels]``."""


class Opened(NamedTuple):
    """A file that is open: what is timed, what gives calibrated probabilities, and by what."""

    classify: Classify
    calibrated: Classify
    runtime: str


def load(variant: str, path: Path, threads: int) -> Opened:
    """Open the file at ``path``; raises ``EdgeError`` and ``TrainError``."""
    if variant not in H5:
        classifier = load_classifier(path, threads)
        return Opened(classifier.classify, classifier.classify, classifier.runtime)
    model = KerasClassifier(path, threads)
    classify = model.predict if variant == PREDICT else model.compiled
    return Opened(classify, model.calibrated, model.runtime)


class Worker:
    """Replies to requests about one file, on ``faces`` (``uint8[n, h, w, 1]``) in turn."""

    def __init__(self, opened: Opened, threads: int, faces: NDArray[np.uint8]) -> None:
        """Take an open file."""
        self._opened, self._threads, self._faces = opened, threads, faces
        self._reference: Reference | None = None
        self._calls = 0

    def latency(self, calls: int) -> dict[str, list[float]]:
        """Milliseconds of each of ``calls`` classifications of one face."""
        return {"ms": [milliseconds(self._classify) for _ in range(calls)]}

    def _classify(self) -> None:
        place = self._calls % len(self._faces)
        self._calls += 1
        self._opened.classify(self._faces[place : place + 1])

    def reference(self) -> dict[str, list[float]]:
        """Milliseconds of a block of the reference network."""
        self._reference = self._reference or Reference(self._threads)
        return {"ms": self._reference()}

    def predict(self, images: str, output: str) -> dict[str, str]:
        """Write the probabilities for the images in one array file to another."""
        np.save(output, self._opened.calibrated(np.load(images)))
        return {"written": output}


def main(arguments: Sequence[str]) -> int:
    """Load and serve; a file that doesn't load is one line of JSON."""
    variant, path, threads, faces = arguments
    stream = replies()
    start = time.perf_counter()
    try:
        opened = load(variant, Path(path), int(threads))
        loaded: dict[str, Any] = {"load_ms": (time.perf_counter() - start) * 1e3}
        worker = Worker(opened, int(threads), np.load(faces))
        loaded |= {"first_ms": worker.latency(1)["ms"][0], "runtime": opened.runtime}
    except (EdgeError, TrainError) as error:
        print(json.dumps({"error": str(error)}), file=stream, flush=True)
        return 1
    print(json.dumps(loaded), file=stream, flush=True)
    methods: dict[str, Callable[..., Any]] = {
        "latency": worker.latency,
        "reference": worker.reference,
        "predict": worker.predict,
    }
    serve(methods, sys.stdin, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
