"""One face detector in the loop, in a process of its own, by a Python that has its package.

``python -m benchmarks.detector_worker DETECTOR CLASSIFIER ROUNDS FACES…`` prints a line of JSON:
the milliseconds of the demo with so many faces, for each number of them, or an error. It imports
nothing but the runtime and what is made of it, which is all that an environment of the edge has.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.reference import CALLS, open_reference
from edge.assembly import build_pipeline, open_crew
from edge.classifier import Crew
from edge.errors import EdgeError
from edge.frames import Detector, Frame
from edge.interpreter import read_model_file
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits

BLOCK = 25
"""Frames of a round of the loop; the first round warms up."""
_SECONDS, _LEAST_ROUNDS = 10.0, 2
"""A slow detector has fewer rounds, so that its frames take no longer than that."""
_DEMO_FRAMES, _FPS = 60, 30


def _blazeface() -> Detector:
    from edge.detectors.blazeface import BlazeFace  # noqa: PLC0415 - memory of one detector alone

    return BlazeFace()


def _full_range() -> Detector:
    from edge.detectors.blazeface import FULL_RANGE, BlazeFace  # noqa: PLC0415

    return BlazeFace(variant=FULL_RANGE)


def _mediapipe() -> Detector:
    from edge.detectors.mediapipe_tasks import MediaPipeTasks  # noqa: PLC0415

    return MediaPipeTasks()


DETECTORS: dict[str, Callable[[], Detector]] = {
    "blazeface": _blazeface,
    "blazeface-full-range": _full_range,
    "mediapipe": _mediapipe,
}


def measure(detector: Detector, classifier: Crew, faces: int, rounds: int) -> dict[str, Any]:
    """Return the samples of ``rounds`` of frames with so many ``faces``, by the round.

    They are fewer where the frames would take longer than ``_SECONDS``.
    """
    pipeline = build_pipeline(detector, classifier, Settings())
    with DemoSource(load_portraits(), frames=_DEMO_FRAMES, fps=_FPS, faces=faces) as demo:
        images = [frame.image for frame in demo]
    reference = open_reference(1)
    blocks, references, spent = [], [], 0.0
    for number in range(1 + rounds):
        places = range(number * BLOCK, (number + 1) * BLOCK)
        frames = [Frame(images[i % len(images)], i, i / _FPS) for i in places]
        blocks.append([_timed(partial(pipeline.process, frame)) for frame in frames])
        references.append([_timed(reference)[0] for _ in range(CALLS)])
        spent += sum(milliseconds for milliseconds, _ in blocks[-1]) / 1e3
        if spent > _SECONDS and number >= _LEAST_ROUNDS:
            break
    del blocks[0], references[0]
    kept = [pair for block in blocks for pair in block]
    return {
        "faces": faces,
        "found": statistics.mean(len(result.tracks) for _, result in kept),
        "reference_ms": references,
        "frame_ms": [[milliseconds for milliseconds, _ in block] for block in blocks],
        "stage_ms": {
            stage: [[result.stage_ms[stage] for _, result in block] for block in blocks]
            for stage in kept[0][1].stage_ms
        },
    }


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of ``call``, and what it returned."""
    start = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - start) / 1e6, result


def main(name: str, model: str, rounds: str, *faces: str) -> int:
    """Print what was measured, or why nothing could be."""
    try:
        classifier = open_crew(read_model_file(Path(model)), model, Settings())
        detector = DETECTORS[name]()
        rows = [measure(detector, classifier, int(count), int(rounds)) for count in faces]
    except EdgeError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps({"rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
