"""From an image to the expressions in it: detect → crop → classify → track."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from edge.contract import ModelContract
from edge.errors import SourceLostError
from edge.settings import Settings, Tracking
from edge.sources import open_source, turned
from edge.types import (
    Classifier,
    Detector,
    Face,
    FaceResult,
    Floats,
    Frame,
    FrameResult,
    Image,
    Outage,
)
from edge.vision import open_detector
from edge.vision.classifier import ClassifierPool, TFLiteClassifier
from edge.vision.crops import crop_faces
from edge.vision.interpreter import read_model_file
from edge.vision.interval import IntervalDetector
from edge.vision.tracking import Tracker, expression

STAGES = ("detect", "crop", "classify", "track")
_MOST_WORKERS = 4
"""Each has networks of its own in memory, and rarely are there more faces in a frame."""
P = ParamSpec("P")
T = TypeVar("T")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Analysis(NamedTuple):
    """What one image shows by itself: ``probabilities`` is ``float32[faces, labels]``."""

    faces: Sequence[Face]
    probabilities: Floats
    stage_ms: Mapping[str, float]


Item = tuple[Frame, Analysis] | Outage


class Analyser:
    """detect → crop → classify, each stage timed; belongs to one thread."""

    def __init__(self, detector: Detector, classifier: Classifier, contract: ModelContract) -> None:
        """Take the parts; raises ``ContractError`` where the model has no framing for them."""
        self._detector, self._classifier, self._contract = detector, classifier, contract
        self._framing = contract.framing(detector.framing)

    def __call__(self, image: Image) -> Analysis:
        """Find the faces in ``image`` (``uint8[H, W, 3]`` BGR) and name their expressions."""
        timed = _Stopwatch()
        height, width = self._contract.height, self._contract.width
        faces = timed("detect", self._detector.detect, image)
        crops = timed("crop", crop_faces, image, faces, self._framing, height, width)
        rows = timed("classify", self._classifier.classify, crops)
        return Analysis(faces, rows, timed.stage_ms)


class Recognizer:
    """Finds the faces in images and names their expressions; belongs to one thread.

    ``model`` is a ``.tflite`` file with a contract inside, by default the shipped one. ``detector``
    is a name ("blazeface", "mediapipe") and ``min_score`` what a face must score at least (0…1).
    ``tracking`` says how faces are followed in a stream. ``threads`` are those of each network, and
    ``workers`` how many faces of a frame, or frames of a file, are analysed at the same time (0: as
    many as there are cores for, up to 4). ``detect_every`` and ``budget`` (milliseconds a frame)
    make detection rarer, see ``IntervalDetector``. Raises ``EdgeError`` where a part can't be had.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        detector: str = "blazeface",
        min_score: float = 0.5,
        tracking: Tracking | None = None,
        threads: int = 1,
        workers: int = 0,
        detect_every: int = 1,
        budget: float = 0.0,
    ) -> None:
        """Open the networks; nothing is set for the whole process."""
        settings = Settings(
            model=Path(model or Settings.model),
            detector=detector,
            min_score=min_score,
            threads=threads,
            parallel=workers,
            detect_every=detect_every,
            budget=budget,
        )
        content, name = read_model_file(settings.model_path), str(settings.model_path)
        self._open_detector: Callable[[], Detector] = lambda: open_detector(
            detector, min_score, threads
        )
        self._open_classifier: Callable[[], TFLiteClassifier] = lambda: TFLiteClassifier(
            content, name, threads
        )
        self._workers = workers or min(max(usable_cores() // threads, 1), _MOST_WORKERS)
        pool = ClassifierPool(self._open_classifier, self._workers)
        self.contract, self.labels, self.interpreter = pool.contract, pool.labels, pool.runtime
        found: Detector = self._open_detector()
        self._interval = (
            IntervalDetector(found, detect_every, budget) if detect_every > 1 or budget else None
        )
        self.detector = found.name
        self._analyse = Analyser(self._interval or found, pool, self.contract)
        self._tracker = Tracker(self.labels, self.contract.uncertain_below, tracking)

    def __call__(self, image: Image) -> FrameResult:
        """Return what ``image`` (``uint8[H, W, 3]`` BGR) shows, without tracking."""
        if self._interval:
            self._interval.reset()
        return self._untracked(Frame(image, 0, 0.0), self._analyse(image))

    def stream(
        self, *sources: str | int | Path, rotate: int = 0, mirror: bool = False
    ) -> Generator[tuple[Frame, FrameResult]]:
        """Yield each frame of ``sources``, one source after the other, with its tracked result.

        A source is what the command line takes: a camera's index, the address of a stream, a video,
        a picture, a folder. Files give every frame, cameras and streams the newest one; while one
        of these is lost nothing is yielded, and it is opened again. ``rotate`` (0, 90, 180, 270
        degrees clockwise) and ``mirror`` turn every image first. Leaving the generator closes the
        source. Raises ``EdgeError``.
        """
        for address in sources:
            with open_source(str(address)) as source:
                for item in self.follow(turned(source, rotate, mirror)):
                    if not isinstance(item, Outage):
                        yield item

    def follow(
        self, items: Iterable[Frame | Outage]
    ) -> Generator[tuple[Frame, FrameResult] | Outage]:
        """Yield every frame of ``items`` with its result, tracked, and outages as they are.

        Tracks end where the source changes; photographs are not tracked. Of files, the next frames
        are analysed on all workers while one is in use; live frames are analysed at once.
        """
        source = None
        for item in self._analysed(items):
            if isinstance(item, Outage):
                yield item
                continue
            frame, analysis = item
            if frame.source != source:
                source = frame.source
                self._tracker.reset()
            yield frame, (self._untracked if frame.still else self._tracked)(frame, analysis)

    def _analysed(self, items: Iterable[Frame | Outage]) -> Iterator[Item]:
        if self._interval is not None:
            yield from self._at_intervals(items, self._interval)
            return
        with closing(Prefetch(self._open_analyser, self._workers)) as prefetch:
            yield from prefetch(items, self._analyse)

    def _open_analyser(self) -> Analyser:
        return Analyser(self._open_detector(), self._open_classifier(), self.contract)

    def _at_intervals(
        self, items: Iterable[Frame | Outage], interval: IntervalDetector
    ) -> Iterator[Item]:
        """One frame after the other: where faces are depends on the frames before."""
        source = None
        for item in items:
            if isinstance(item, Outage):
                yield item
                continue
            if item.source != source or item.still:
                source = item.source
                interval.reset()
            interval.prepare(item.time)
            analysis = self._analyse(item.image)
            interval.spent(analysis.stage_ms)
            yield item, analysis

    def _untracked(self, frame: Frame, analysis: Analysis) -> FrameResult:
        faces = tuple(
            FaceResult(face, expression(self.labels, row, self.contract.uncertain_below))
            for face, row in zip(analysis.faces, analysis.probabilities, strict=True)
        )
        return _result(frame, faces, {**analysis.stage_ms, "track": 0.0})

    def _tracked(self, frame: Frame, analysis: Analysis) -> FrameResult:
        timed = _Stopwatch()
        found, rows = analysis.faces, analysis.probabilities
        tracked = timed("track", self._tracker.update, found, rows, frame.time)
        faces = tuple(
            FaceResult(face, expression(self.labels, row, self.contract.uncertain_below), *of_track)
            for face, row, of_track in zip(found, rows, tracked, strict=True)
        )
        return _result(frame, faces, {**analysis.stage_ms, **timed.stage_ms})


class Prefetch:
    """Analyses the next frames of a file on ``size`` threads while one is in use.

    Interpreters run without Python's lock, so that a file goes through so many cores at a time.
    ``open_one`` opens the analyser of a thread.
    """

    def __init__(self, open_one: Callable[[], Callable[[Image], Analysis]], size: int) -> None:
        """Open nothing yet."""
        self._open_one, self._size = open_one, size
        self._threads = ThreadPoolExecutor(size, "analysis")
        self._own = threading.local()

    def close(self) -> None:
        """Drop what is not begun, and wait for what is."""
        self._threads.shutdown(cancel_futures=True)

    def __call__(
        self, items: Iterable[Frame | Outage], analyse: Callable[[Image], Analysis]
    ) -> Iterator[Item]:
        """Yield ``items`` in order with their analyses; ``analyse`` is for live frames.

        Where a file ends before its time, what came before is yielded first.
        """
        waiting: deque[tuple[Frame, Future[Analysis]]] = deque()
        try:
            for item in items:
                if isinstance(item, Outage):
                    yield item
                elif item.live:
                    yield item, analyse(item.image)
                else:
                    waiting.append((item, self._threads.submit(self._analyse, item.image)))
                    if len(waiting) > self._size:
                        frame, future = waiting.popleft()
                        yield frame, future.result()
        except SourceLostError:
            yield from ((frame, future.result()) for frame, future in waiting)
            raise
        yield from ((frame, future.result()) for frame, future in waiting)

    def _analyse(self, image: Image) -> Analysis:
        if not hasattr(self._own, "analyser"):
            self._own.analyser = self._open_one()
        analysis: Analysis = self._own.analyser(image)
        return analysis


class _Stopwatch:
    """Calls a function and notes under a name how many milliseconds it took."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = {}

    def __call__(
        self, stage: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        start = time.perf_counter()
        result = function(*args, **kwargs)
        self.stage_ms[stage] = (time.perf_counter() - start) * 1e3
        return result


def _result(
    frame: Frame, faces: tuple[FaceResult, ...], stage_ms: Mapping[str, float]
) -> FrameResult:
    return FrameResult(frame.source, frame.index, frame.time, faces, stage_ms, frame.wall_time)
