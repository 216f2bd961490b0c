"""Whole frames of the product with the deployed file: by stage, as a file's, at intervals.

Frames lie in memory and go through ``Recognizer.follow``, as a run's do.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.measure import Block, Probe, Series, interleave
from benchmarks.reference import Reference, milliseconds
from benchmarks.results import Interval, Stages, Throughput
from edge.recognizer import Recognizer, usable_cores
from edge.sources.demo import DemoSource, load_portraits
from edge.types import STAGES, FaceResult, Frame, FrameResult, Image, Outage
from edge.vision.interpreter import Model, open_model, read_model_file

FPS = 30.0
FACES = (0, 1, 3, 5)
EVERY = (1, 2, 4, 8)
_DIFFERENT = 60
"""Frames of the demo that are shown over and over."""
_BLOCK = 25
"""Frames in a row: as many as find the caches as a run does that does nothing else."""
_FILE_BLOCK, _INTERVAL_BLOCK, _WARM_UP = 60, 50, 20
_BUDGET = "budget"
_BUDGET_SHARE = 2 / 3
"""Of what a frame takes with detection on each."""


def workers() -> int:
    """Return how many faces or frames a run analyses at the same time by itself."""
    return min(usable_cores(), 4)


def demo_images(faces: int, count: int = _DIFFERENT) -> list[Image]:
    """Return ``count`` frames of the demo with so many faces, ``uint8[360, 640, 3]`` BGR."""
    return [frame.image for frame in demo_frames(faces, count)]


def demo_frames(faces: int, count: int = 0) -> Iterator[Frame]:
    """Yield ``count`` frames of the demo, 0 without end."""
    with DemoSource(load_portraits(), frames=count, fps=FPS, faces=faces) as source:
        for frame in source:
            if isinstance(frame, Frame):
                yield frame


def repeated(images: Sequence[Image], *, live: bool) -> Iterator[Frame]:
    """Yield ``images`` over and over, as a ``live`` source's frames or as a file's."""
    for index in itertools.count():
        yield Frame(images[index % len(images)], index, index / FPS, "memory", live=live)


class Scene:
    """A recognizer that follows ``frames``, taken one by one; ``found`` counts the faces."""

    def __init__(self, recognizer: Recognizer, frames: Iterable[Frame | Outage]) -> None:
        """Begin; nothing is analysed yet."""
        self.found: list[int] = []
        self._results = recognizer.follow(frames)

    def next(self) -> FrameResult:
        """Return the result of the next frame."""
        for item in self._results:
            if not isinstance(item, Outage):
                self.found.append(len(item[1].faces))
                return item[1]
        raise BenchmarkError("frames: expected more of them, found their end; measure less")

    def block(self, count: int = _BLOCK) -> dict[str, list[float]]:
        """Return the milliseconds of ``count`` whole frames, and of each stage."""
        whole, results = [], []
        for _ in range(count):
            start = time.perf_counter_ns()
            results.append(self.next())
            whole.append((time.perf_counter_ns() - start) / 1e6)
        return {"frame": whole} | {
            stage: [result.stage_ms[stage] for result in results] for stage in STAGES
        }


def stages(model: Path, rounds: int) -> tuple[list[Stages], list[Series]]:
    """Time whole frames with each number of faces in turn, and after each block both networks."""
    reference = Reference()
    bare = open_model(read_model_file(model), str(model))
    scenes, probes = [], []
    for faces in FACES:
        recognizer = Recognizer(model, workers=workers())
        scene = Scene(recognizer, repeated(demo_images(faces), live=True))
        scene.block()
        scenes.append(scene)
        series = Series(f"loop, faces: {faces}")
        probes.append(Probe(series, _with_classifier(scene, bare), lambda: reference(_BLOCK)))
    interleave(probes, rounds)
    rows = [
        _stages(faces, statistics.mean(scene.found), probe.series)
        for faces, scene, probe in zip(FACES, scenes, probes, strict=True)
    ]
    return rows, [probe.series for probe in probes]


def _with_classifier(scene: Scene, bare: Model) -> Block:
    return lambda: (
        scene.block() | {"classifier": [milliseconds(bare.invoke) for _ in range(_BLOCK)]}
    )


def _stages(faces: int, found: float, series: Series) -> Stages:
    series.times["detector"] = series.reference
    whole = series.summary("frame")
    networks = {name: series.summary(name) for name in ("detector", "classifier")}
    calls = math.ceil(faces / workers())  # so many follow one another
    bare = networks["detector"].p50.value + calls * networks["classifier"].p50.value
    return Stages(
        faces=faces,
        found=round(found, 3),
        frame=whole,
        stages={stage: series.summary(stage) for stage in STAGES},
        networks=networks,
        over_networks=round(whole.p50.value / bare, 3),
    )


def throughput(model: Path, rounds: int) -> tuple[list[Throughput], list[Series]]:
    """Time a file's frames with one worker and with as many as a run has by itself."""
    reference = Reference()
    probes, rows = [], []
    for faces, count in itertools.product(FACES, sorted({1, workers()})):
        recognizer = Recognizer(model, workers=count)
        scene = Scene(recognizer, repeated(demo_images(faces), live=False))
        series = Series(f"throughput, faces: {faces}, workers: {count}")
        probes.append(Probe(series, _file_block(scene, count), reference))
        probes[-1].block()
        rows.append((faces, count))
    interleave(probes, rounds)
    found = [
        Throughput(faces, count, probe.series.summary("frame"))
        for (faces, count), probe in zip(rows, probes, strict=True)
    ]
    return found, [probe.series for probe in probes]


def _file_block(scene: Scene, count: int) -> Block:
    def block() -> dict[str, list[float]]:
        for _ in range(count + 1):  # what was analysed while others were measured
            scene.next()
        total = milliseconds(lambda: [scene.next() for _ in range(_FILE_BLOCK)])
        return {"frame": [total / _FILE_BLOCK]}

    return block


class Moving:
    """Detection at one interval on two moving faces; keeps what was found to compare it."""

    def __init__(self, recognizer: Recognizer) -> None:
        """Warm up."""
        self.faces: list[tuple[FaceResult, ...]] = []
        # Live, so that no prefetch shares the cores with what draws the frames.
        self._scene = Scene(recognizer, (replace(frame, live=True) for frame in demo_frames(2)))
        self.block(_WARM_UP)
        self.faces.clear()

    def block(self, count: int = _INTERVAL_BLOCK) -> dict[str, list[float]]:
        """Return the milliseconds of all stages of each frame, and their mean."""
        results = [self._scene.next() for _ in range(count)]
        self.faces += [result.faces for result in results]
        costs = [sum(result.stage_ms.values()) for result in results]
        return {"frame": costs, "mean": [statistics.mean(costs)]}


def intervals(model: Path, rounds: int) -> tuple[list[Interval], list[Series]]:
    """Compare detection on every k-th frame, and a budget, with detection on every frame.

    Raises ``BenchmarkError`` where no face is found.
    """
    reference = Reference()
    trial = Moving(Recognizer(model, workers=1)).block()["mean"][0]
    budget = round(_BUDGET_SHARE * trial, 2)
    moving = {f"every {k}": Moving(Recognizer(model, workers=1, detect_every=k)) for k in EVERY}
    moving[_BUDGET] = Moving(Recognizer(model, workers=1, budget=budget))
    probes = [
        Probe(Series(f"detection, {name}"), each.block, reference) for name, each in moving.items()
    ]
    interleave(probes, rounds)
    base = next(iter(moving.values())).faces
    rows = [
        Interval(
            name,
            probe.series.summary("frame"),
            probe.series.summary("mean"),
            budget_ms=budget if name == _BUDGET else None,
            **compared(each.faces, base),
        )
        for (name, each), probe in zip(moving.items(), probes, strict=True)
    ]
    return rows, [probe.series for probe in probes]


def compared(
    frames: Sequence[Sequence[FaceResult]], base: Sequence[Sequence[FaceResult]]
) -> Mapping[str, float]:
    """Return what of the faces of ``base`` is in ``frames``, as fields of ``Interval``."""
    pairs = [
        (face, nearest)
        for found, expected in zip(frames, base, strict=True)
        for face in expected
        for nearest in (max(found, key=lambda other: face.box.iou(other.box), default=None),)
    ]
    there = [(face, other) for face, other in pairs if other and face.box.iou(other.box) > 0]
    if not there:
        raise BenchmarkError("demo: expected faces, found none; fetch the assets again")
    return {
        "found": round(len(there) / len(pairs), 5),
        "overlap": round(statistics.mean(face.box.iou(other.box) for face, other in there), 5),
        "same_label": round(
            statistics.mean(face.shown.label == other.shown.label for face, other in there), 5
        ),
    }
