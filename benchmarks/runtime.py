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

from benchmarks.detector_worker import BLOCK
from benchmarks.reference import open_reference
from benchmarks.uncertainty import flat, percentile_intervals, percentiles
from edge.assembly import build_pipeline, open_crew
from edge.detectors.blazeface import BlazeFace
from edge.frames import Frame, FrameResult, Image
from edge.interpreter import open_model
from edge.pipeline import STAGES
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits

T = TypeVar("T")
FPS = 30
_WARM_UP_ROUNDS = 1
_LEAST_ROUNDS = 2


def demo(faces: int, count: int) -> list[Image]:
    """Return ``count`` frames of the demo with so many faces, ``uint8[360, 640, 3]`` BGR."""
    with DemoSource(load_portraits(), frames=count, fps=FPS, faces=faces) as source:
        return [frame.image for frame in source]


def stages(
    content: bytes, faces: int, images: Sequence[Image], rounds: int, seconds: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Time whole frames and the bare networks, in turn; ``content`` is a classifier's file.

    A round is ``BLOCK`` frames and then as many calls of the bare detector and classifier: frame by
    frame, each would find the caches as the other left them. Blocks that long find them as a loop
    that does nothing else does, and are short enough that what disturbs the machine mostly falls on
    both. ``over_networks`` is the frame's median as a multiple of the two networks' medians; the
    classifier's counts once, and not where there is no face. The rounds are fewer where the frames
    would take longer than ``seconds``. Returns the figures, and the samples by the round.
    """
    crew = open_crew(content, "classifier", Settings())
    pipeline = build_pipeline(BlazeFace(), crew, Settings())
    networks = {
        "detector": open_reference(1),
        "classifier": open_model(content, "classifier").invoke,
    }
    whole: list[list[tuple[float, FrameResult]]] = []
    bare: dict[str, list[list[float]]] = {name: [] for name in networks}
    spent = 0.0
    frames = frames_of(images, (_WARM_UP_ROUNDS + rounds) * BLOCK)
    while block := list(itertools.islice(frames, BLOCK)):
        whole.append([_timed(partial(pipeline.process, frame)) for frame in block])
        pairs = [{name: _timed(networks[name])[0] for name in networks} for _ in block]
        for name, values in bare.items():
            values.append([pair[name] for pair in pairs])
        spent += sum(milliseconds for milliseconds, _ in whole[-1]) / 1e3
        if spent > seconds and len(whole) >= _WARM_UP_ROUNDS + _LEAST_ROUNDS:
            break
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


def frames_of(images: Sequence[Image], count: int) -> Iterator[Frame]:
    """Give ``count`` frames of ``images``, over and over."""
    for index in range(count):
        yield Frame(images[index % len(images)], index, index / FPS)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of ``call``, and what it returned."""
    start = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - start) / 1e6, result
