"""What detection on fewer frames gains in time and costs in accuracy, and a budget."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.memory import FPS
from benchmarks.turns import rotated
from benchmarks.uncertainty import in_rounds, middle_mean, percentile_intervals, percentiles
from edge.assembly import build_pipeline, open_crew
from edge.classifier import Crew
from edge.detectors.blazeface import BlazeFace
from edge.frames import Box, Frame, FrameResult, Processor, Track
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits

INTERVALS = (1, 2, 4, 8)
_TRIAL = 60
"""Frames, of which the budget is taken."""
_WARM_UP = 20
_BUDGET = "budget"
Samples = dict[str, Any]


def measure(
    content: bytes, faces: int, count: int, rounds: int
) -> tuple[list[dict[str, Any]], list[Samples]]:
    """Return what is known of each kind of detection on ``count`` frames of the demo.

    The pipelines take each frame in turn; ``content`` is a classifier's file. Compared with
    detection on every frame: share of its faces that are there, mean overlap of their boxes, and
    share of equal labels. The budget is two thirds of what a frame took with detection on each, in
    a trial of a few frames before. Intervals and samples are by ``rounds`` of frames in a row.
    Raises ``BenchmarkError`` where no face was found.
    """
    classifier = open_crew(content, "classifier", Settings())
    settings = {f"every {k}": Settings(detect_every=k) for k in INTERVALS}
    subjects = _pipelines(classifier, settings)
    first = next(iter(subjects))
    trial = _in_turn(subjects, _moving(faces, _TRIAL))[first]
    budget = round(2 / 3 * statistics.mean(map(cost, trial)), 2)
    settings[_BUDGET] = Settings(budget=budget)
    found = _in_turn(_pipelines(classifier, settings), _moving(faces, _WARM_UP + count))
    kept = {name: results[_WARM_UP:] for name, results in found.items()}
    costs = {name: in_rounds(list(map(cost, own)), rounds) for name, own in kept.items()}
    rows = [
        {
            "subject": f"{name} {budget} ms" if name == _BUDGET else name,
            **_compared(results, kept[first]),
            **_times(results, costs[name]),
        }
        for name, results in kept.items()
    ]
    samples = [
        {"subject": f"detection, {name}", "threads": 1, "cost_ms": own}
        | ({} if name == first else {"reference_cost_ms": costs[first]})
        for name, own in costs.items()
    ]
    return rows, samples


def _moving(faces: int, count: int) -> Iterator[Frame]:
    """Frames one by one: a thousand of them take more memory than a small device has."""
    with DemoSource(load_portraits(), frames=count, fps=FPS, faces=faces) as source:
        for frame in source:
            yield Frame(frame.image, frame.index, frame.index / FPS)


def _pipelines(classifier: Crew, settings: Mapping[str, Settings]) -> dict[str, Processor]:
    return {name: build_pipeline(BlazeFace(), classifier, own) for name, own in settings.items()}


def _in_turn(
    subjects: Mapping[str, Processor], frames: Iterable[Frame]
) -> dict[str, list[FrameResult]]:
    results: dict[str, list[FrameResult]] = {name: [] for name in subjects}
    for number, frame in enumerate(frames):
        for name, pipeline in rotated(list(subjects.items()), number):
            results[name].append(pipeline.process(frame))
    return results


def _compared(results: Sequence[FrameResult], reference: Sequence[FrameResult]) -> dict[str, float]:
    pairs = [
        (track, _nearest(track.box, result.tracks))
        for result, expected in zip(results, reference, strict=True)
        for track in expected.tracks
    ]
    there = [(track, other) for track, other in pairs if other]
    if not there:
        raise BenchmarkError("demo: expected faces, found none; check the detector's assets")
    return {
        "found": len(there) / len(pairs),
        "overlap": statistics.mean(track.box.iou(other.box) for track, other in there),
        "same_label": statistics.mean(track.emotion == other.emotion for track, other in there),
    }


def _times(results: Sequence[FrameResult], rounds: Sequence[Sequence[float]]) -> dict[str, Any]:
    own = list(map(cost, results))
    mean, ends = middle_mean(rounds)
    return {
        "frames": len(own),
        "mean_ms": mean,
        "mean_ms_interval": ends,
        "p95_ms": percentiles(own)["p95"],
        "p95_ms_interval": percentile_intervals(rounds)["p95"],
    }


def _nearest(box: Box, tracks: Sequence[Track]) -> Track | None:
    best = max(tracks, key=lambda track: box.iou(track.box), default=None)
    return best if best and box.iou(best.box) > 0 else None


def cost(result: FrameResult) -> float:
    """Return the milliseconds of all stages."""
    return sum(result.stage_ms.values())
