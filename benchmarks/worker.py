"""One subject in a process of its own, measured on request.

``python -m benchmarks.worker KIND PATH THREADS`` reads requests, a line of JSON each, from
standard input and answers each with a line of JSON. A process of its own, because TensorFlow sets
its threads once for all, and because memory is then that of this subject alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.subjects import TFLITE
from edge.classifier import load_classifier
from edge.frames import Frame
from edge.sources.demo import DemoSource, load_portraits

_SEED = 0
_DEMO_FRAMES = 60
_FPS = 30


def load(kind: str, path: Path, threads: int) -> Any:
    """Open the classifier at ``path``; raises what its own errors are."""
    if kind == TFLITE:
        return load_classifier(path, threads)
    from train.cli import import_tensorflow  # noqa: PLC0415 - a TFLite worker must not have it

    import_tensorflow()
    from benchmarks.h5_classifier import H5Classifier  # noqa: PLC0415

    return H5Classifier(path, kind, threads)


class Worker:
    """Answers requests about one classifier."""

    def __init__(self, classifier: Any, threads: int) -> None:
        """Take an open ``classifier``."""
        self._classifier = classifier
        self._threads = threads
        self._pipeline: Any = None
        self._frames: list[Frame] = []
        self._shown = 0
        contract = classifier.contract
        shape = (1, contract.height, contract.width, contract.channels)
        self._crop = np.random.default_rng(_SEED).integers(0, 256, shape, np.uint8)

    def latency(self, times: int) -> dict[str, Any]:
        """Milliseconds of each of ``times`` classifications of one face."""
        samples = []
        for _ in range(times):
            start = time.perf_counter_ns()
            self._classifier.classify(self._crop)
            samples.append((time.perf_counter_ns() - start) / 1e6)
        return {"ms": samples}

    def loop(self, frames: int) -> dict[str, Any]:
        """Milliseconds of each frame of the whole loop, and of its stages, on the demo."""
        if self._pipeline is None:
            self._open_loop()
        total, stages = [], []
        for index in range(frames):
            image = self._frames[index % len(self._frames)].image
            frame = Frame(image, self._shown, self._shown / _FPS)
            self._shown += 1
            start = time.perf_counter_ns()
            result = self._pipeline.process(frame)
            total.append((time.perf_counter_ns() - start) / 1e6)
            stages.append(dict(result.stage_ms))
        return {"ms": total, "stage_ms": stages}

    def memory(self) -> dict[str, Any]:
        """Greatest resident memory of this process so far, in MB."""
        return {"mb": _peak_mb()}

    def _open_loop(self) -> None:
        from edge.assembly import build_pipeline  # noqa: PLC0415
        from edge.detectors.blazeface import BlazeFace  # noqa: PLC0415
        from edge.settings import Settings  # noqa: PLC0415

        settings = Settings(threads=self._threads)
        detector = BlazeFace(settings.min_score, settings.threads)
        self._pipeline = build_pipeline(detector, self._classifier, settings)
        with DemoSource(load_portraits(), frames=_DEMO_FRAMES, faces=1) as demo:
            self._frames = list(demo)


def _peak_mb() -> float:
    """From the kernel's count for this process where there is one: getrusage adds its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_bytes / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def serve(worker: Worker, requests: TextIO, answers: TextIO) -> None:
    """Answer each line of ``requests``: ``{"do": method, …arguments}``."""
    for line in requests:
        request = json.loads(line)
        answer = getattr(worker, request.pop("do"))(**request)
        print(json.dumps(answer), file=answers, flush=True)


def main(kind: str, path: str, threads: str) -> int:
    """Load, say so, and serve; a classifier that doesn't load is one line of JSON."""
    from edge.errors import EdgeError  # noqa: PLC0415
    from train.errors import TrainError  # noqa: PLC0415

    try:
        classifier = load(kind, Path(path), int(threads))
    except (EdgeError, TrainError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    print(json.dumps({"runtime": classifier.runtime}), flush=True)
    serve(Worker(classifier, int(threads)), sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
