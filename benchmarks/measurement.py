"""All that is measured on a device, one part after the other; what one lacks stops no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import accuracy, host, latency, loop, results
from benchmarks.accuracy import Answers
from benchmarks.errors import BenchmarkError, without_places
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

    ``complain`` is told what is left out, and why; where that is a failure, it stands in the result
    too, under ``"left_out"``. Raises ``AssetError`` where there is no face at all to measure with.
    """
    left_out: list[str] = []

    def leave_out(text: str) -> None:
        left_out.append(without_places(text))
        complain(text)

    before = host.state(device)
    faces, origin = real_faces(images)
    cores = usable_cores()
    threads = [count for count in _THREADS if count <= cores]
    answers = accuracy.foreign(chosen)
    own = [subject for subject in chosen if subject.name not in answers]
    timed = latency.measure(own, threads, effort, faces)
    answers |= _accuracy(own, images, complain, leave_out)
    figures: dict[str, Any] | None = None
    of_loop: list[Samples] = []
    if any(not samples.error for samples in timed):  # else there is nothing to be written
        figures, of_loop = _loop(parts, effort, leave_out)
    after = host.state(device)
    result = results.summarise(chosen, timed, answers, effort) | {
        "device": {"name": host.name(device), "before": before, "after": after},
        "void": host.void(before, after),
        "left_out": left_out,
        "faces": origin,
        "loop": figures,
    }
    return result, [*map(dataclasses.asdict, timed), *_answered(answers), *of_loop]


def _accuracy(
    chosen: Sequence[Subject],
    images: Path,
    complain: Callable[[str], None],
    leave_out: Callable[[str], None],
) -> dict[str, Answers]:
    """What each answers, by its name; to have no data is said, to have damaged data a failure."""
    try:
        return accuracy.measure(chosen, images, leave_out)
    except DatasetError as error:
        damaged = any((images / split).is_dir() for split in ("train", "validation"))
        (leave_out if damaged else complain)(f"accuracy left out: {error}")
        return {}


def _loop(
    parts: Loop, effort: Effort, leave_out: Callable[[str], None]
) -> tuple[dict[str, Any] | None, list[Samples]]:
    try:
        return loop.measure(parts.model, parts.python, parts.mediapipe, effort, leave_out)
    except (EdgeError, BenchmarkError) as error:
        leave_out(f"loop left out: {error}")
        return None, []


def _answered(answers: Mapping[str, Answers]) -> list[Samples]:
    return [
        {"subject": name, "images": own.images, "right": own.right}
        for name, own in answers.items()
        if own.right
    ]
