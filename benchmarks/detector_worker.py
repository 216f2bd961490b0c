"""One face detector in the loop, in a process of its own, by a Python that has its package.

``python -m benchmarks.detector_worker DETECTOR CLASSIFIER ROUNDS FACES…`` prints a line of JSON:
the milliseconds of the demo with so many faces, for each number of them, or an error. It imports
nothing but the runtime and what is made of it, which is all that an environment of the edge has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.answers import answers_alone
from benchmarks.memory import demo
from benchmarks.reference import CALLS, open_reference
from benchmarks.turns import Scene, take_turns
from edge.assembly import build_pipeline, open_crew
from edge.classifier import Crew
from edge.errors import EdgeError
from edge.frames import Detector
from edge.interpreter import read_model_file
from edge.settings import Settings

_SECONDS = 10.0
"""What the frames of each number of faces have taken, at the least, where the rounds are fewer."""
_DEMO_FRAMES = 60


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


def measure(
    detector: Detector, classifier: Crew, faces: Sequence[int], rounds: int
) -> list[dict[str, Any]]:
    """Return the samples of ``rounds`` of frames with each number of ``faces``, by the round.

    The numbers of faces take turns. The rounds are fewer, two at the least, where the frames of
    each have taken ``_SECONDS`` before: then the slower ones have taken longer, so that all have as
    many.
    """
    reference = {"reference": open_reference(1)}
    scenes = [
        Scene(
            count,
            demo(count, _DEMO_FRAMES),
            build_pipeline(detector, classifier, Settings()),
            reference,
            CALLS,
        )
        for count in faces
    ]
    take_turns(scenes, rounds, _SECONDS)
    return [
        {
            "faces": scene.faces,
            "found": scene.found,
            "reference_ms": scene.beside_ms["reference"],
            "frame_ms": scene.frame_ms,
            "stage_ms": scene.stage_ms,
        }
        for scene in scenes
    ]


def main(name: str, model: str, rounds: str, *faces: str) -> int:
    """Print what was measured, or why nothing could be."""
    with answers_alone() as answers:
        try:
            classifier = open_crew(read_model_file(Path(model)), model, Settings())
            detector = DETECTORS[name]()
            rows = measure(detector, classifier, [int(count) for count in faces], int(rounds))
        except EdgeError as error:
            print(json.dumps({"error": str(error)}), file=answers)
            return 1
        print(json.dumps({"rows": rows}), file=answers)
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
