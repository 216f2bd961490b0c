"""Whole frames of the product with the deployed file: by stage, as a file's.

Frames lie in memory and go through ``Recognizer.follow``, as a run's do.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.measure import Block, Probe, Series, interleave
from benchmarks.reference import Reference, milliseconds
from benchmarks.results import Stages, Throughput
from edge.recognizer import Recognizer, usable_cores
from edge.sources.demo import DemoSource, load_portraits
from edge.types import STAGES, Frame, FrameResult, Image, Outage
from edge.vision.interpreter import Model, open_model, read_model_file

FPS = 30.0
FACES = (0, 1, 3, 5)
_DIFFERENT = 60
"""Frames of the demo that are shown over and over."""
_BLOCK = 25
"""Frames in a row: as many as find the caches as a run does that does nothing else."""
_FILE_BLOCK = 60


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
