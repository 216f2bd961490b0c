"""One frame through the four stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge.frames import Classifier, Detector, Face, Floats, Frame, FrameResult, Image, Track

STAGES = ("detect", "crop", "classify", "track")
Crop = Callable[[Image, Sequence[Face]], NDArray[np.uint8]]
"""``uint8[H, W, 3]`` BGR and its faces → ``uint8[n, h, w, 1]`` grey."""
P = ParamSpec("P")
T = TypeVar("T")


class FaceTracker(Protocol):
    """What the pipeline needs of a tracker."""

    def update(self, faces: Sequence[Face], probabilities: Floats, at: float) -> Sequence[Track]:
        """Faces and their ``float32[n, labels]`` at monotonic second ``at`` → their tracks."""
        ...


class Pipeline:
    """detect → crop → classify → track, each stage timed."""

    def __init__(
        self, detector: Detector, crop: Crop, classifier: Classifier, tracker: FaceTracker
    ) -> None:
        """Take the four parts; the pipeline belongs to one thread, as an interpreter does."""
        self._detector, self._crop = detector, crop
        self._classifier, self._tracker = classifier, tracker

    def process(self, frame: Frame) -> FrameResult:
        """Find the faces of ``frame`` and name their expressions."""
        timed = _Stopwatch()
        faces = timed("detect", self._detector.detect, frame.image)
        crops = timed("crop", self._crop, frame.image, faces)
        rows = timed("classify", self._classifier.classify, crops)
        tracks = timed("track", self._tracker.update, faces, rows, frame.captured_at)
        return FrameResult(frame.index, frame.captured_at, tracks, timed.stage_ms)


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
