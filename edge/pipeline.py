"""One frame through the four stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Sight:
    """What one image shows by itself: its ``faces``, ``rows`` of ``float32[n, labels]``, times."""

    faces: Sequence[Face]
    rows: Floats
    stage_ms: Mapping[str, float]


class Look:
    """detect → crop → classify, each stage timed; used by one thread at a time."""

    def __init__(self, detector: Detector, crop: Crop, classifier: Classifier) -> None:
        """Take the three parts."""
        self._detector, self._crop, self._classifier = detector, crop, classifier

    def __call__(self, image: Image) -> Sight:
        """Find the faces in ``image`` (``uint8[H, W, 3]`` BGR) and name their expressions."""
        timed = _Stopwatch()
        faces = timed("detect", self._detector.detect, image)
        crops = timed("crop", self._crop, image, faces)
        rows = timed("classify", self._classifier.classify, crops)
        return Sight(faces, rows, timed.stage_ms)


class Pipeline:
    """A look at each frame, and what it means after those before it."""

    def __init__(self, look: Callable[[Image], Sight], tracker: FaceTracker) -> None:
        """Take the parts; the pipeline belongs to one thread."""
        self._look, self._tracker = look, tracker

    def process(self, frame: Frame) -> FrameResult:
        """Find the faces of ``frame``, name their expressions and follow them."""
        sight = self._look(frame.image)
        timed = _Stopwatch()
        tracks = timed("track", self._tracker.update, sight.faces, sight.rows, frame.captured_at)
        stage_ms = {**sight.stage_ms, **timed.stage_ms}
        return FrameResult(frame.index, frame.captured_at, tracks, stage_ms)


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
