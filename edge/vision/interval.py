"""Detection on every k-th frame only, with the boxes moved on in between.

For slow devices: the detector is the dearer of the two networks. Crop and classification still run
on every frame, so that labels are as fresh as without.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.types import Box, Face, Image
from edge.vision.tracking import match

_MOST = 30
"""Frames from one detection to the next, at the most: a second of a usual camera."""
_NEWEST = 0.1
"""Weight of the newest time in a running mean of times."""
_OLDEST = 0.5
"""A detection is repeated after so many seconds, however many frames that are."""
_LARGEST = 2.0
"""By which factor a box grows or shrinks between two detections, at the most."""
_KEPT = 0.5
"""Weight of the speed so far: on the demo, the last two boxes alone predict worse than none."""
_Place = NDArray[np.float64]
"""``float64[4]``: centre x and y, width and height, in pixels, or their changes a frame."""


class IntervalDetector:
    """``find`` on every ``interval``-th frame; between them, each face keeps its speed.

    ``find`` takes an image and its time in seconds, and returns the faces.

    The speed, in pixels a frame, is a running mean over the detections, whose boxes tremble; a face
    that was found once stays where it is. With a latency ``budget_ms`` (0 for none) the interval
    grows, from ``interval`` to 30 frames, until detection and the other stages take no more than
    that a frame, on average. ``clock`` gives seconds.
    """

    def __init__(
        self,
        find: Callable[[Image, float], Sequence[Face]],
        interval: int,
        budget_ms: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take ``find``; nothing is detected yet."""
        self.interval = interval
        self._least, self._budget = interval, budget_ms
        self._find, self._clock = find, clock
        self._cost_ms = self._others_ms = 0.0
        self._age = 0
        self._time, self._detected_at = 0.0, -math.inf
        self._known: list[tuple[Face, _Place]] | None = None

    def reset(self) -> None:
        """Detect on the next frame, which shows something else altogether."""
        self._known = None

    def prepare(self, time: float) -> None:
        """Take the time of the next frame, in seconds: it decides whether what is known is old."""
        self._time = time
        if time - self._detected_at >= _OLDEST:
            self.reset()

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), detected or moved on."""
        self._age += 1
        if self._known is None or self._age >= self.interval:
            self._known = self._detect(image)
            self._age = 0
        return self._moved()

    def spent(self, stage_ms: Mapping[str, float]) -> None:
        """Take the milliseconds of the last frame's stages, and adapt the interval to them."""
        if not self._budget:
            return
        others = sum(stage_ms.values()) - stage_ms["detect"]
        self._others_ms = _mean(self._others_ms, others)
        left = self._budget - self._others_ms
        needed = math.ceil(self._cost_ms / left) if left > 0 else _MOST
        self.interval = min(max(needed, self._least), _MOST)

    def _detect(self, image: Image) -> list[tuple[Face, _Place]]:
        start, self._detected_at = self._clock(), self._time
        faces = self._find(image, self._time)
        self._cost_ms = _mean(self._cost_ms, (self._clock() - start) * 1e3)
        pairs = match([face.box for face in self._moved()], [face.box for face in faces])
        before = {new: self._known[old] for old, new in pairs} if self._known else {}
        return [
            (face, self._speed(face, *before[n]) if n in before else np.zeros(4))
            for n, face in enumerate(faces)
        ]

    def _speed(self, face: Face, last: Face, speed: _Place) -> _Place:
        now = (_place(face.box) - _place(last.box)) / self._age
        return np.asarray(now + _KEPT * (speed - now), np.float64)

    def _moved(self) -> list[Face]:
        return [_moved(face, self._age * speed) for face, speed in self._known or ()]


def _mean(before: float, now: float) -> float:
    """The running mean of positive values; 0 is none yet."""
    return before + _NEWEST * (now - before) if before else now


def _place(box: Box) -> _Place:
    return np.array([*box.centre, box.width, box.height])


def _moved(face: Face, by: _Place) -> Face:
    """``face`` with its box and, by the same way, its key points moved; not turned inside out."""
    if not by.any():
        return face
    before = _place(face.box)
    x, y, width, height = before + by
    width, height = np.clip((width, height), before[2:] / _LARGEST, before[2:] * _LARGEST)
    box = Box(*map(float, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
    return Face(box, face.score, np.asarray(face.key_points + by[:2], np.float32))
