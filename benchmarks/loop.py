"""The whole loop with the deployed model at one thread: stages, detectors, intervals, a camera."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import footprint, runtime, throughput
from benchmarks.detector_worker import BLOCK
from benchmarks.errors import WorkerError
from benchmarks.latency import Effort
from benchmarks.uncertainty import flat, percentile_intervals, percentiles
from edge.interpreter import read_model_file

_FACES = (0, 1, 3, 5)
_DEMO_FRAMES = 60
_MOVING_FACES = 2
_DETECTOR_FACES = (1, 3)
_MEDIAPIPE = "mediapipe"
_DETECTORS = ("blazeface", "blazeface-full-range", _MEDIAPIPE)
_INTERVAL_FRAMES, _CAMERA_SECONDS = 30, 0.4
"""For each round of the effort."""
Samples = dict[str, Any]


def measure(
    model: Path, python: Path, mediapipe: Path, effort: Effort
) -> tuple[dict[str, Any], list[Samples]]:
    """Measure the runtime with the classifier at ``model``: its figures and its samples.

    ``python`` belongs to an edge environment, for what a process of its own costs, and
    ``mediapipe`` to one with that package, without which its detector is left out. Raises
    ``WorkerError``, and what opening the networks raises.
    """
    content = read_model_file(model)
    images = {faces: runtime.demo(faces, _DEMO_FRAMES) for faces in _FACES}
    moving = runtime.demo(_MOVING_FACES, _INTERVAL_FRAMES * effort.rounds)
    blocks = effort.invocations // BLOCK
    stages = [(n, *runtime.stages(content, n, images[n], blocks)) for n in _FACES]
    rounds = max(2, effort.rounds * effort.frames // BLOCK)
    compared = [
        detector(name, model, mediapipe if name == _MEDIAPIPE else Path(sys.executable), rounds)
        for name in _DETECTORS
    ]
    figures = {
        "footprint": footprint.measure(python),
        "stages": [row for _, row, _ in stages],
        "throughput": throughput.measure(content, images, effort.rounds),
        "detectors": [row for rows, _ in compared for row in rows],
        "intervals": runtime.intervals(content, moving),
        "camera": [
            runtime.paced(content, images[1], rate, _CAMERA_SECONDS * effort.rounds)
            for rate in runtime.RATES
        ],
    }
    raw = [{"subject": f"loop, {n} faces", "threads": 1, **samples} for n, _, samples in stages]
    return figures, raw + [samples for _, own in compared for samples in own]


def detector(
    name: str, model: Path, python: Path, rounds: int
) -> tuple[list[dict[str, Any]], list[Samples]]:
    """Measure the loop with the detector ``name``, in a process of its own by ``python``.

    The figures for each number of faces, and the samples; one row that says why where there are
    none.
    """
    try:
        rows = _detector_samples(name, model, python, rounds)
    except WorkerError as error:
        return [{"detector": name, "error": str(error)}], []
    figures = [
        {
            "detector": name,
            "faces": row["faces"],
            "found": row["found"],
            "frame_ms": percentiles(flat(row["frame_ms"])),
            "frame_ms_interval": percentile_intervals(row["frame_ms"]),
            "stage_ms": {stage: percentiles(flat(ms)) for stage, ms in row["stage_ms"].items()},
            "error": None,
        }
        for row in rows
    ]
    return figures, [
        {"subject": f"{name}, {row['faces']} faces", "threads": 1, **row} for row in rows
    ]


def _detector_samples(name: str, model: Path, python: Path, rounds: int) -> list[Samples]:
    if not python.is_file():
        raise WorkerError(
            f"{name}: expected {python}, found no such file; run 'make run-edge "
            f"DETECTOR={name}' once, which installs it"
        )
    arguments = (name, str(model), str(rounds), *map(str, _DETECTOR_FACES))
    done = subprocess.run(
        [str(python), "-m", "benchmarks.detector_worker", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise WorkerError(f"{name}: its process ended; its message stands above")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise WorkerError(answer["error"])
    return list(answer["rows"])
