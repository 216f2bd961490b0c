"""The whole loop with the deployed model: stages, detectors, intervals, a camera."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import camera, footprint, intervals, runtime, throughput
from benchmarks.errors import WorkerError, without_places
from benchmarks.latency import Effort
from benchmarks.memory import demo
from benchmarks.process import LIMIT_SECONDS, answer_of
from benchmarks.turns import blocks
from benchmarks.uncertainty import flat, percentile_intervals, percentiles
from edge.interpreter import read_model_file

_FACES = (0, 1, 3, 5)
_DEMO_FRAMES = 60
_MOVING_FACES = 2
_DETECTOR_FACES = (1, 3)
_MEDIAPIPE = "mediapipe"
_DETECTORS = ("blazeface", "blazeface-full-range", _MEDIAPIPE)
_INTERVAL_FRAMES, _CAMERA_SECONDS, _START_SECONDS = 50, 1.0, 0.5
"""For each round of the effort."""
WORKER = ("-m", "benchmarks.detector_worker")
_MESSAGE = 300
"""Characters of a worker's own message that a row shows."""
Samples = dict[str, Any]


def measure(
    model: Path,
    python: Path,
    mediapipe: Path,
    effort: Effort,
    leave_out: Callable[[str], None],
) -> tuple[dict[str, Any], list[Samples]]:
    """Measure the runtime with the classifier at ``model``: its figures and its samples.

    ``python`` belongs to an edge environment, for what a process of its own costs: the
    ``"footprint"`` is None where it doesn't run, and ``leave_out`` is told why. ``mediapipe``
    belongs to one with that package, without which its detector is left out. Raises
    ``BenchmarkError``, and what opening the networks raises.
    """
    content, rounds = read_model_file(model), effort.rounds
    images = {faces: demo(faces, _DEMO_FRAMES) for faces in _FACES}
    stages = runtime.stages(content, images, blocks(effort.invocations), effort.seconds)
    compared = _detectors(model, mediapipe, blocks(rounds * effort.frames))
    cost, starts = of_a_run(python, _START_SECONDS * rounds, leave_out)
    several, of_file = throughput.measure(content, images, rounds)
    rarer, of_rarer = intervals.measure(content, _MOVING_FACES, _INTERVAL_FRAMES * rounds, rounds)
    paced = [
        camera.measure(content, images[1], rate, _CAMERA_SECONDS * rounds, rounds)
        for rate in camera.RATES
    ]
    figures = {
        "footprint": cost,
        "stages": [row for row, _ in stages],
        "throughput": several,
        "detectors": [row for rows, _ in compared for row in rows],
        "intervals": rarer,
        "camera": [row for row, _ in paced],
    }
    raw: list[Samples] = [
        {"subject": f"loop, {row['faces']} faces", "threads": 1, **samples}
        for row, samples in stages
    ]
    raw += [samples for _, own in compared for samples in own]
    return figures, [*raw, *starts, *of_file, *of_rarer, *(samples for _, samples in paced)]


def _detectors(
    model: Path, mediapipe: Path, rounds: int
) -> list[tuple[list[dict[str, Any]], list[Samples]]]:
    pythons = {name: Path(sys.executable) for name in _DETECTORS} | {_MEDIAPIPE: mediapipe}
    return [detector(name, model, python, rounds) for name, python in pythons.items()]


def of_a_run(
    python: Path, seconds: float, leave_out: Callable[[str], None]
) -> tuple[dict[str, Any] | None, list[Samples]]:
    """Measure what ``footprint`` does: its figures and its samples, None and none without it."""
    try:
        figures, samples = footprint.measure(python, seconds)
    except WorkerError as error:
        leave_out(f"start, memory and size of a run left out: {error}")
        return None, []
    return figures, [samples]


def detector(
    name: str,
    model: Path,
    python: Path,
    rounds: int,
    worker: Sequence[str] = WORKER,
    limit: float = LIMIT_SECONDS,
) -> tuple[list[dict[str, Any]], list[Samples]]:
    """Measure the loop with the detector ``name``, in a process of its own by ``python``.

    The figures for each number of faces, and the samples; one row that says why where there are
    none. ``worker`` are the arguments of its Python before those that say what to measure, and
    ``limit`` is in seconds.
    """
    try:
        arguments = (name, str(model), str(rounds), *map(str, _DETECTOR_FACES))
        rows = _detector_samples(name, [str(python), *worker, *arguments], limit)
    except WorkerError as error:
        return [{"detector": name, "error": f"{name}: {without_places(str(error))}"}], []
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


def _detector_samples(name: str, command: Sequence[str], limit: float) -> list[Samples]:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=limit
        )
    except OSError as error:
        raise _not_measured(name, f"no {command[0]} ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise WorkerError(
            f"expected its figures within {limit:g} s, found none; close what else uses the "
            "machine, and measure again"
        ) from error
    if not done.stdout:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1][:_MESSAGE] if lines else "no message"
        raise _not_measured(name, f"that its process ended with {done.returncode}: {said}")
    return list(answer_of(done.stdout)["rows"])


def _not_measured(name: str, found: str) -> WorkerError:
    return WorkerError(
        f"expected the Python of its environment with what it needs, found {found}; run "
        f"'make run-edge DETECTOR={name}' once, which installs it or says why it can't be had here"
    )
