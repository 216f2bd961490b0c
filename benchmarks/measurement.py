"""All that is measured on a device, one part after the other; what one lacks stops no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import accuracy, host, latency, loop, results
from benchmarks.accuracy import Answers
from benchmarks.errors import BenchmarkError
from benchmarks.faces import real_faces
from benchmarks.latency import Effort
from benchmarks.subjects import Subject
from edge.device import Device, usable_cores
from edge.errors import EdgeError
from train.errors import DatasetError

_THREADS = (1, 2, 4)
Samples = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loop:
    """What the loop is measured with.

    The ``model`` is a ``.tflite``; ``python`` belongs to an edge environment, ``mediapipe`` to one
    that has that package.
    """

    model: Path
    python: Path
    mediapipe: Path


def measure(
    chosen: Sequence[Subject],
    images: Path,
    parts: Loop,
    effort: Effort,
    device: Device,
    complain: Callable[[str], None],
) -> tuple[dict[str, Any], list[Samples]]:
    """Return the result, ready for JSON, and the raw samples.

    ``complain`` is told what is left out, and why. Raises ``AssetError`` where there are no faces
    at all to measure with.
    """
    before = host.state(device)
    faces, origin = real_faces(images)
    cores = usable_cores()
    threads = [count for count in _THREADS if count <= cores]
    answers = accuracy.foreign(chosen)
    own = [subject for subject in chosen if subject.name not in answers]
    timed = latency.measure(own, threads, effort, faces)
    try:
        answers |= accuracy.measure(own, images)
    except DatasetError as error:
        complain(f"accuracy left out: {error}")
    figures: dict[str, Any] | None = None
    of_loop: list[Samples] = []
    try:
        if any(not samples.error for samples in timed):  # else there is nothing to be written
            figures, of_loop = loop.measure(parts.model, parts.python, parts.mediapipe, effort)
    except (EdgeError, BenchmarkError) as error:
        complain(f"loop left out: {error}")
    after = host.state(device)
    result = results.summarise(chosen, timed, answers, effort) | {
        "device": {"name": host.name(device), "before": before, "after": after},
        "void": host.void(before, after),
        "faces": origin,
        "loop": figures,
    }
    return result, [*map(dataclasses.asdict, timed), *_answered(answers), *of_loop]


def _answered(answers: Mapping[str, Answers]) -> list[Samples]:
    return [
        {"subject": name, "images": own.images, "right": own.right}
        for name, own in answers.items()
        if own.right
    ]
