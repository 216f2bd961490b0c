"""All that is measured on a device, one part after the other; what one lacks stops no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks import accuracy, camera, footprint, frames, latency, machine, publishing
from benchmarks.candidates import Candidate, check_origin
from benchmarks.errors import BenchmarkError
from benchmarks.latency import Run
from benchmarks.measure import Series
from benchmarks.results import Accuracy, Bench, Latency, Loop, Row
from edge.contract import ModelContract
from edge.device import Device
from edge.errors import EdgeError
from edge.recognizer import usable_cores
from edge.vision.blazeface import BlazeFace
from edge.vision.classifier import load_classifier
from edge.vision.crops import crop_faces
from train.data import load_split
from train.errors import DatasetError
from train.provenance import digest

_log = logging.getLogger(__name__)
_THREADS = (1, 2, 4)
_FACES = 256
T = TypeVar("T")
Faces = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured and with what.

    ``deployed`` is the file that whole frames are measured with, ``python`` the interpreter of an
    edge environment, ``keras`` that of one with Keras, None without.
    """

    chosen: Sequence[Candidate]
    images: Path
    deployed: Path
    python: Path
    keras: Path | None
    rounds: int


def measure(plan: Plan, device: Device) -> tuple[Bench, list[Series]]:
    """Return the result and the raw samples; raises ``EdgeError`` where there are no faces."""
    begun, before = time.monotonic(), machine.state(device)
    notes: list[str] = []
    chosen = [each for each in plan.chosen if plan.keras or not each.is_h5]
    if len(chosen) < len(plan.chosen):
        _note(notes, "the h5: Keras is not installed here")
    contracts, errors = checked(chosen)
    sound = [each for each in chosen if each not in errors]
    threads = [count for count in _THREADS if count <= usable_cores()]
    start, faces = latency.starter(plan.keras), faces_of(plan.images, plan.deployed)
    runs = latency.measure(sound, threads, plan.rounds, faces, start)
    scored = _attempt(notes, "accuracy", lambda: accuracy.measure(sound, plan.images, start))
    whole = _attempt(notes, "whole frames", lambda: _loop(plan.deployed, plan.rounds))
    loop, series = whole or (None, [])
    run = _attempt(
        notes,
        "start and peak RSS of a run",
        lambda: footprint.measure(plan.python, max(2, plan.rounds // 2)),
    )
    published = _attempt(
        notes, "page and MQTT", lambda: publishing.measure(plan.deployed, plan.rounds)
    )
    after = machine.state(device)
    result = Bench(
        device=machine.name(device),
        origin=machine.origin(),
        before=before,
        after=after,
        invalid=machine.invalid(before, after),
        rounds=plan.rounds,
        minutes=round((time.monotonic() - begun) / 60, 1),
        notes=notes,
        rows=[_row(each, contracts, errors, runs, scored or {}) for each in chosen],
        loop=loop,
        footprint=run[0] if run else None,
        publishing=published[0] if published else None,
    )
    samples = [each.series for each in runs if each.series.times]
    others = [*([run[1]] if run else []), *(published[1] if published else [])]
    return result, [*samples, *series, *others]


def faces_of(images: Path, model: Path) -> Faces:
    """Return ``uint8[256, h, w, 1]`` to time with: validation images, else faces of the demo.

    Raises ``EdgeError``.
    """
    try:
        split = load_split(images, "validation")
    except DatasetError:
        contract, detector = load_classifier(model).contract, BlazeFace()
        framing, size = contract.framing(detector.framing), (contract.height, contract.width)
        return np.concatenate(
            [
                crop_faces(frame.image, detector.detect(frame.image), framing, *size)
                for frame in frames.demo_frames(2, _FACES // 2)
            ]
        )
    return split.images[np.arange(_FACES) * len(split.images) // _FACES]


def checked(
    chosen: Sequence[Candidate],
) -> tuple[dict[Candidate, ModelContract], dict[Candidate, str]]:
    """Return the contract of each TFLite file, and what is wrong with what can't be measured."""
    contracts: dict[Candidate, ModelContract] = {}
    errors: dict[Candidate, str] = {}
    for each in chosen:
        try:
            contract = check_origin(each)
        except (BenchmarkError, EdgeError) as error:
            errors[each] = str(error)
        else:
            contracts |= {each: contract} if contract else {}
    return contracts, errors


def _attempt(notes: list[str], what: str, part: Callable[[], T]) -> T | None:
    """Return what ``part`` returns, None and a note where it can't be measured."""
    try:
        return part()
    except (BenchmarkError, EdgeError, DatasetError) as error:
        _note(notes, f"{what}: {error}")
        return None


def _note(notes: list[str], text: str) -> None:
    _log.warning("not measured: %s", text)
    notes.append(text)


def _loop(deployed: Path, rounds: int) -> tuple[Loop, list[Series]]:
    stages, of_stages = frames.stages(deployed, 2 * rounds)  # its blocks are half as long
    throughput, of_file = frames.throughput(deployed, rounds)
    paced, of_camera = camera.measure(deployed, rounds)
    loop = Loop(deployed.name, frames.workers(), stages, throughput, paced)
    return loop, [*of_stages, *of_file, *of_camera]


def _row(
    candidate: Candidate,
    contracts: Mapping[Candidate, ModelContract],
    errors: Mapping[Candidate, str],
    runs: Sequence[Run],
    accuracies: Mapping[str, Accuracy],
) -> Row:
    path = candidate.path
    own = [run for run in runs if run.candidate == candidate]
    first = own[0] if own else Run(candidate, Series(candidate.name))
    problems = [errors.get(candidate), *(run.series.error for run in own)]
    provenance = contracts[candidate].provenance if candidate in contracts else {}
    return Row(
        name=candidate.name,
        model=candidate.h5.stem,
        variant=candidate.variant,
        file=path.name,
        deployed=candidate.deployed,
        bytes=path.stat().st_size if path.is_file() else None,
        sha256=digest(path) if path.is_file() else None,
        multiply_accumulates=provenance.get("multiply_accumulates"),
        error=next(filter(None, problems), None),
        runtime=first.runtime,
        load_ms=first.load_ms,
        first_ms=first.first_ms,
        memory_mb=first.memory_mb,
        latency=[
            Latency(run.series.threads, run.series.summary("face"))
            for run in own
            if not run.series.error
        ],
        accuracy=accuracies.get(candidate.name),
    )
