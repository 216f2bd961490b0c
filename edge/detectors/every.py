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
_OLDEST = 0.5
"""What was found is looked for again after so many seconds, however many frames that are."""
_LARGEST = 2.0
"""By which factor a box grows or shrinks between two detections, at the most."""
_Place = NDArray[np.float64]
"""``float64[4]``: centre x and y, width and height, in pixels, or their changes a frame."""
_KEPT = 0.5
"""Weight of the speed so far: on the demo, the last two boxes alone foretell worse than none."""


class EveryNth:
    """``inner`` on every ``interval``-th frame; between them, each face keeps its speed.

    The speed, in pixels a frame, is a running mean over the detections, whose boxes tremble; a face
    that was found once stays where it is. A new face shows up, and a lost one goes, with the next
    detection. ``interval`` (at least 1) may be changed at any time; ``age`` counts the frames since
    the last detection, and ``cost_ms`` is the mean time of one by ``clock``, which gives seconds.
    """

    def __init__(
        self, inner: Detector, interval: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Wrap ``inner``; nothing is detected yet."""
        self.name = inner.name
        self.interval = interval
        self.age = 0
        self.cost_ms = 0.0
        self._inner, self._clock = inner, clock
        self._seen: list[tuple[Face, _Place]] | None = None

    def forget(self) -> None:
        """Look again at the next frame, which may show something else altogether."""
        self._seen = None

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), found or moved on."""
        self.age += 1
        if self._seen is None or self.age >= self.interval:
            self._seen = self._look(image)
            self.age = 0
        return self._moved_on()

    def _look(self, image: Image) -> list[tuple[Face, _Place]]:
        start = self._clock()
        faces = self._inner.detect(image)
        self.cost_ms = _mean(self.cost_ms, (self._clock() - start) * 1e3)
        pairs = match([face.box for face in self._moved_on()], [face.box for face in faces])
        before = {new: self._seen[old] for old, new in pairs} if self._seen else {}
        return [
            (face, self._speed(face, *before[n]) if n in before else np.zeros(4))
            for n, face in enumerate(faces)
        ]

    def _speed(self, face: Face, last: Face, speed: _Place) -> _Place:
        now = (_place(face.box) - _place(last.box)) / self.age
        return np.asarray(now + _KEPT * (speed - now), np.float64)

    def _moved_on(self) -> list[Face]:
        return [_moved(face, self.age * speed) for face, speed in self._seen or ()]


class Sparing:
    """A pipeline that looks for faces as often as ``budget_ms`` a frame allows, on average.

    ``detector`` is the one in ``inner``; its interval at the start is the shortest one, and stays
    without a budget (0). What was found is never more than half a second old, so that after an
    outage, and between the images of a folder, nothing old is shown. What sources and sinks take is
    not counted.
    """

    def __init__(self, inner: Processor, detector: EveryNth, budget_ms: float = 0.0) -> None:
        """Wrap ``inner``."""
        self._inner, self._detector = inner, detector
        self._budget, self._least = budget_ms, detector.interval
        self._others_ms = 0.0
        self._looked_at = -math.inf

    def process(self, frame: Frame) -> FrameResult:
        """Process ``frame`` and set the interval for the next ones."""
        if frame.captured_at - self._looked_at >= _OLDEST:
            self._detector.forget()
        result = self._inner.process(frame)
        if self._detector.age == 0:
            self._looked_at = frame.captured_at
        if self._budget:
            self._adapt(result)
        return result

    def _adapt(self, result: FrameResult) -> None:
        stages = result.stage_ms
        self._others_ms = _mean(self._others_ms, sum(stages.values()) - stages["detect"])
        left = self._budget - self._others_ms
        needed = math.ceil(self._detector.cost_ms / left) if left > 0 else MOST
        self._detector.interval = min(max(needed, self._least), MOST)


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
