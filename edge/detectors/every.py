"""Detection on every k-th frame only, with the boxes moved on in between.

For slow devices: the detector is the dearer of the two networks. Crop and classification still run
on every frame, so that labels are as fresh as without.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.frames import Box, Detector, Face, Frame, FrameResult, Image, Processor
from edge.tracking import match

MOST = 30
"""Frames from one detection to the next, at the most: a second of a usual camera."""
_NEWEST = 0.1
"""Weight of the newest time in a running mean of times."""
_KEPT = 0.5
"""Weight of the speed so far: on the demo, the last two boxes alone foretell worse than none."""


class EveryNth:
    """``inner`` on every ``interval``-th frame; between them, each face keeps its speed.

    The speed, in pixels a frame, is a running mean over the detections, whose boxes tremble; a face
    that was found once stays where it is. A new face shows up, and a lost one goes, with the next
    detection. ``interval`` (at least 1) may be changed at any time; ``cost_ms`` is the mean time of
    a detection by ``clock``, which gives seconds.
    """

    def __init__(
        self, inner: Detector, interval: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Wrap ``inner``; nothing is detected yet."""
        self.name = inner.name
        self.interval = interval
        self.cost_ms = 0.0
        self._inner, self._clock = inner, clock
        self._age = 0
        self._seen: list[tuple[Face, NDArray[np.float64]]] | None = None

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), found or moved on."""
        self._age += 1
        if self._seen is None or self._age >= self.interval:
            self._seen = self._look(image)
            self._age = 0
        return self._moved_on()

    def _look(self, image: Image) -> list[tuple[Face, NDArray[np.float64]]]:
        start = self._clock()
        faces = self._inner.detect(image)
        self.cost_ms = _mean(self.cost_ms, (self._clock() - start) * 1e3)
        pairs = match([face.box for face in self._moved_on()], [face.box for face in faces])
        before = {new: self._seen[old] for old, new in pairs} if self._seen else {}
        still = np.zeros((2, 2))
        return [
            (face, self._speed(face, before[n]) if n in before else still)
            for n, face in enumerate(faces)
        ]

    def _speed(self, face: Face, before: tuple[Face, NDArray[np.float64]]) -> NDArray[np.float64]:
        last, speed = before
        now = (_corners(face) - _corners(last)) / self._age
        return np.asarray(now + _KEPT * (speed - now), np.float64)

    def _moved_on(self) -> list[Face]:
        return [_moved(face, self._age * speed) for face, speed in self._seen or ()]


class Budgeted:
    """A pipeline that looks for faces as often as ``budget_ms`` a frame allows, on average.

    ``detector`` is the one in ``inner``; its interval at the start is the shortest one. What
    sources and sinks take is not counted.
    """

    def __init__(self, inner: Processor, detector: EveryNth, budget_ms: float) -> None:
        """Wrap ``inner``."""
        self._inner, self._detector = inner, detector
        self._budget, self._least = budget_ms, detector.interval
        self._others_ms = 0.0

    def process(self, frame: Frame) -> FrameResult:
        """Process ``frame`` and set the interval for the next ones."""
        result = self._inner.process(frame)
        stages = result.stage_ms
        self._others_ms = _mean(self._others_ms, sum(stages.values()) - stages["detect"])
        left = self._budget - self._others_ms
        needed = math.ceil(self._detector.cost_ms / left) if left > 0 else MOST
        self._detector.interval = min(max(needed, self._least), MOST)
        return result


def _mean(before: float, now: float) -> float:
    """The running mean of positive values; 0 is none yet."""
    return before + _NEWEST * (now - before) if before else now


def _corners(face: Face) -> NDArray[np.float64]:
    """``float64[2, 2]`` (x, y) in pixels: top left and bottom right."""
    box = face.box
    return np.array([(box.left, box.top), (box.right, box.bottom)])


def _moved(face: Face, by: NDArray[np.float64]) -> Face:
    """``face`` with its corners moved ``by`` ``[2, 2]`` pixels and its key points by their mean."""
    if not by.any():
        return face
    corners = _corners(face) + by
    points = np.asarray(face.key_points + by.mean(axis=0), np.float32)
    return Face(Box(*corners.ravel().tolist()), face.score, points)
