"""One subject in a process of its own, measured on request.

``python -m benchmarks.worker KIND PATH THREADS FACES`` reads requests, a line of JSON each, from
standard input and answers each with a line of JSON. A process of its own, because TensorFlow sets
its threads once for all, and because memory is then that of this subject alone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers import answers_alone, serve
from benchmarks.high_water import high_water_mb
from benchmarks.memory import FPS
from benchmarks.subjects import TFLITE
from edge.classifier import load_classifier
from edge.errors import EdgeError
from edge.frames import Frame
from train.errors import TrainError

_DEMO_FRAMES = 60


def load(kind: str, path: Path, threads: int) -> Any:
    """Open the classifier at ``path``; raises what its own errors are."""
    if kind == TFLITE:
        return load_classifier(path, threads)
    from train.cli import import_tensorflow  # noqa: PLC0415 - a TFLite worker must not have it

    import_tensorflow()
    from benchmarks.h5_classifier import H5Classifier  # noqa: PLC0415

    return H5Classifier(path, kind, threads)


class Worker:
    """Answers requests about one classifier, on ``faces`` (``uint8[n, h, w, 1]``) in turn."""

    def __init__(self, classifier: Any, threads: int, faces: NDArray[np.uint8]) -> None:
        """Take an open ``classifier``."""
        self._classifier, self._threads, self._faces = classifier, threads, faces
        self._pipeline: Any = None
        self._reference: Any = None
        self._frames: list[Frame] = []
        self._shown = self._classified = 0

    def latency(self, times: int) -> dict[str, Any]:
        """Milliseconds of each of ``times`` classifications of one face."""
        return {"ms": [self._classify() for _ in range(times)]}

    def _classify(self) -> float:
        place = self._classified % len(self._faces)
        self._classified += 1
        return milliseconds(lambda: self._classifier.classify(self._faces[place : place + 1]))

    def loop(self, frames: int) -> dict[str, Any]:
        """Milliseconds of each frame of the whole loop, and of its stages, on the demo."""
        if self._pipeline is None:
            self._open_loop()
        total, stages = [], []
        for index in range(frames):
            image = self._frames[index % len(self._frames)].image
            frame = Frame(image, self._shown, self._shown / FPS)
            self._shown += 1
            start = time.perf_counter_ns()
            result = self._pipeline.process(frame)
            total.append((time.perf_counter_ns() - start) / 1e6)
            stages.append(result.stage_ms)
        return {"ms": total, "stage_ms": {name: [ms[name] for ms in stages] for name in stages[0]}}

    def reference(self, times: int) -> dict[str, Any]:
        """Milliseconds of each of ``times`` calls of the reference network."""
        if self._reference is None:
            from benchmarks.reference import open_reference  # noqa: PLC0415 - as with the loop

            self._reference = open_reference(self._threads)
        return {"ms": [milliseconds(self._reference) for _ in range(times)]}

    def memory(self) -> dict[str, Any]:
        """Greatest resident memory of this process so far, in MB."""
        return {"mb": _peak_mb()}

    def _open_loop(self) -> None:
        from edge.assembly import build_pipeline  # noqa: PLC0415 - memory is measured before
        from edge.detectors.blazeface import BlazeFace  # noqa: PLC0415
        from edge.settings import Settings  # noqa: PLC0415
        from edge.sources.demo import DemoSource, load_portraits  # noqa: PLC0415

        settings = Settings(threads=self._threads)
        detector = BlazeFace(settings.min_score, settings.threads)
        self._pipeline = build_pipeline(detector, self._classifier, settings)
        with DemoSource(load_portraits(), frames=_DEMO_FRAMES, faces=1) as demo:
            self._frames = list(demo)


def milliseconds(call: Callable[[], object]) -> float:
    """How long ``call`` takes."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def _peak_mb() -> float:
    """From the kernel's count for this process where there is one: getrusage adds its parent's."""
    peak = high_water_mb(os.getpid())
    if peak is not None:
        return peak
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_bytes * (1 if sys.platform == "darwin" else 1024) / 1e6


def main(kind: str, path: str, threads: str, faces: str) -> int:
    """Load, say how long that and the first call took, and serve.

    Loading begins with the import of the interpreter or of TensorFlow. A classifier that doesn't
    load is one line of JSON.
    """
    with answers_alone() as answers:
        start = time.perf_counter_ns()
        try:
            classifier = load(kind, Path(path), int(threads))
            load_ms = (time.perf_counter_ns() - start) / 1e6
            worker = Worker(classifier, int(threads), np.load(faces))
            first_ms = worker.latency(1)["ms"][0]
        except (EdgeError, TrainError) as error:
            print(json.dumps({"error": str(error)}), file=answers)
            return 1
        loaded = {"runtime": classifier.runtime, "load_ms": load_ms, "first_ms": first_ms}
        print(json.dumps(loaded), file=answers, flush=True)
        serve(worker, sys.stdin, answers, EdgeError)
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
