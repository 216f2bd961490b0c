"""The runtime as a whole: what a frame costs beyond its two networks, and what it costs a device.

Ratios are between medians of things that were measured in turn in one run, so that a disturbance
of the machine falls on both.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from benchmarks.detector_worker import BLOCK
from benchmarks.errors import BenchmarkError
from benchmarks.reference import open_reference
from benchmarks.uncertainty import flat, percentile_intervals, percentiles
from edge.assembly import build_pipeline, networks_at_once
from edge.classifier import Crew, TFLiteClassifier
from edge.detectors.blazeface import BlazeFace
from edge.frames import Box, Frame, FrameResult, Image, Outage, Processor, Track
from edge.interpreter import open_model
from edge.pipeline import STAGES
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits
from edge.sources.live import LiveSource

T = TypeVar("T")
FPS = 30
_WARM_UP_ROUNDS = 1
_WARM_UP = 20
_TRIAL = 60
"""Frames, of which the budget is taken."""
INTERVALS = (1, 2, 4, 8)
RATES = (15, 30, 60)
"""Frames a second of the paced camera."""


def demo(faces: int, count: int) -> list[Image]:
    """Return ``count`` frames of the demo with so many faces, ``uint8[360, 640, 3]`` BGR."""
    with DemoSource(load_portraits(), frames=count, fps=FPS, faces=faces) as source:
        return [frame.image for frame in source]


def stages(
    content: bytes, faces: int, images: Sequence[Image], rounds: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Time whole frames and the bare networks, in turn; ``content`` is a classifier's file.

    A round is ``BLOCK`` frames and then as many calls of the bare detector and classifier: frame by
    frame, each would find the caches as the other left them. Blocks that long find them as a loop
    that does nothing else does, and are short enough that what disturbs the machine mostly falls on
    both. ``over_networks`` is the frame's median as a multiple of the two networks' medians; the
    classifier's counts once, and not where there is no face. Returns the figures, and the samples
    by the round.
    """
    crew = Crew(lambda: TFLiteClassifier(content, "classifier"), networks_at_once(Settings()))
    pipeline = build_pipeline(BlazeFace(), crew, Settings())
    networks = {
        "detector": open_reference(1),
        "classifier": open_model(content, "classifier").invoke,
    }
    whole: list[list[tuple[float, FrameResult]]] = []
    bare: dict[str, list[list[float]]] = {name: [] for name in networks}
    frames = _frames(images, (_WARM_UP_ROUNDS + rounds) * BLOCK)
    while block := list(itertools.islice(frames, BLOCK)):
        whole.append([_timed(partial(pipeline.process, frame)) for frame in block])
        pairs = [{name: _timed(networks[name])[0] for name in networks} for _ in block]
        for name, values in bare.items():
            values.append([pair[name] for pair in pairs])
    invoke_ms = {name: values[_WARM_UP_ROUNDS:] for name, values in bare.items()}
    return _stages(faces, whole[_WARM_UP_ROUNDS:], invoke_ms)


def _stages(
    faces: int,
    whole: Sequence[Sequence[tuple[float, FrameResult]]],
    invoke_ms: Mapping[str, Sequence[Sequence[float]]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figures and the samples of rounds of frames with their milliseconds."""
    frame_ms = [[milliseconds for milliseconds, _ in block] for block in whole]
    stage_ms = {
        stage: [[result.stage_ms[stage] for _, result in block] for block in whole]
        for stage in STAGES
    }
    bare = {name: percentiles(flat(rounds)) for name, rounds in invoke_ms.items()}
    frame = percentiles(flat(frame_ms))
    needed = [values["p50"] for name, values in bare.items() if faces or name == "detector"]
    figures = {
        "faces": faces,
        "found": statistics.mean(len(result.tracks) for block in whole for _, result in block),
        "frame_ms": frame,
        "frame_ms_interval": percentile_intervals(frame_ms),
        "stage_ms": {stage: percentiles(flat(rounds)) for stage, rounds in stage_ms.items()},
        "invoke_ms": bare,
        "over_networks": frame["p50"] / sum(needed),
    }
    samples = {"frame_ms": frame_ms, "stage_ms": stage_ms, "reference_ms": invoke_ms["detector"]}
    return figures, samples | {"classifier_ms": invoke_ms["classifier"]}


def intervals(content: bytes, images: Sequence[Image]) -> list[dict[str, Any]]:
    """What detection on every k-th frame gains in time and costs in accuracy, and a budget.

    The pipelines take each frame in turn. Compared with detection on every frame: share of its
    faces that are there, mean overlap of their boxes, and share of equal labels. The budget is two
    thirds of what a frame took with detection on each, in a trial of a few frames before. Raises
    ``BenchmarkError`` where no face was found.
    """
    classifier = TFLiteClassifier(content, "classifier")
    settings = {f"every {k}": Settings(detect_every=k) for k in INTERVALS}
    subjects = _pipelines(classifier, settings)
    first = next(iter(subjects))
    trial = _in_turn(subjects, images[:_TRIAL])[first]
    budget = round(2 / 3 * statistics.mean(map(_cost, trial)), 2)
    settings[f"budget {budget} ms"] = Settings(budget=budget)
    found = _in_turn(_pipelines(classifier, settings), images)
    reference = found[first]
    return [
        {"subject": name, **_compared(results[_WARM_UP:], reference[_WARM_UP:])}
        for name, results in found.items()
    ]


def _pipelines(
    classifier: TFLiteClassifier, settings: Mapping[str, Settings]
) -> dict[str, Processor]:
    return {name: build_pipeline(BlazeFace(), classifier, own) for name, own in settings.items()}


def _in_turn(
    subjects: Mapping[str, Processor], images: Sequence[Image]
) -> dict[str, list[FrameResult]]:
    results: dict[str, list[FrameResult]] = {name: [] for name in subjects}
    for frame in _frames(images, len(images)):
        for name, pipeline in subjects.items():
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
        "mean_ms": statistics.mean(map(_cost, results)),
        "p95_ms": float(np.percentile([_cost(result) for result in results], 95)),
        "found": len(there) / len(pairs),
        "overlap": statistics.mean(track.box.iou(other.box) for track, other in there),
        "same_label": statistics.mean(track.emotion == other.emotion for track, other in there),
    }


def _nearest(box: Box, tracks: Sequence[Track]) -> Track | None:
    best = max(tracks, key=lambda track: box.iou(track.box), default=None)
    return best if best and box.iou(best.box) > 0 else None


def _cost(result: FrameResult) -> float:
    return sum(result.stage_ms.values())


def paced(content: bytes, images: Sequence[Image], rate: int, seconds: float) -> dict[str, Any]:
    """From capture to result with a camera that gives ``rate`` frames a second."""
    pipeline = build_pipeline(BlazeFace(), TFLiteClassifier(content, "classifier"), Settings())
    pipeline.process(Frame(images[0], 0, 0.0))
    until = time.monotonic() + seconds
    latency, work, dropped = [], [], 0
    source = LiveSource(
        lambda: PacedCapture(images, rate), "paced", lambda: time.monotonic() > until
    )
    with source:
        for frame in source:
            if isinstance(frame, Outage):
                continue
            work.append(_cost(pipeline.process(frame)))
            latency.append((time.monotonic() - frame.captured_at) * 1e3)
            dropped += frame.dropped
    return {
        "rate": rate,
        "frames": len(latency),
        "dropped": dropped,
        "latency_ms": percentiles(latency),
        "work_ms": percentiles(work),
        "bound_ms": percentiles(work)["p95"] + 1e3 / rate,
    }


class PacedCapture:
    """A camera that gives ``images`` over and over, each when it is due and not again."""

    def __init__(
        self,
        images: Sequence[Image],
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start the clock; ``rate`` is in frames a second."""
        self.fps, self.format = float(rate), ""
        self._images = itertools.cycle(images)
        self._period, self._due = 1 / rate, clock()
        self._clock, self._sleep = clock, sleep

    def read(self) -> Image | None:
        """Wait for the next image."""
        self._due += self._period
        self._sleep(max(self._due - self._clock(), 0.0))
        return next(self._images)

    def release(self) -> None:
        """Nothing to release."""


def _frames(images: Sequence[Image], count: int) -> Iterator[Frame]:
    for index in range(count):
        yield Frame(images[index % len(images)], index, index / FPS)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of ``call``, and what it returned."""
    start = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - start) / 1e6, result
