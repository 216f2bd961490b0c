"""Stand-ins for the parts of the loop, handed in through constructors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import SinkError, SourceLostError
from edge.events import Event
from edge.protocols import BaseSink, BaseSource, Window
from edge.types import Box, Expression, Face, FaceResult, Floats, Frame, FrameResult, Image, Outage

LABELS = ("angry", "happy", "sad")


def image(width: int = 64, height: int = 48, value: int = 0) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def square(x: float, y: float, side: float) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def face(box: Box) -> Face:
    return Face(box, 0.9, np.zeros((6, 2), np.float32))


def row(*values: float) -> Floats:
    return np.array(values, np.float32) / np.float32(sum(values))


def says(label: str, score: float = 0.8, certain: bool = True) -> Expression:
    """An expression whose other labels share the rest."""
    rest = (1 - score) / (len(LABELS) - 1)
    return Expression(label, score, certain, {n: score if n == label else rest for n in LABELS})


def seen(
    box: Box, label: str = "happy", track_id: int | None = 1, certain: bool = True
) -> FaceResult:
    """A face of a result; with a ``track_id``, its smoothed expression is the same."""
    shown = says(label, certain=certain)
    return FaceResult(face(box), shown, shown if track_id else None, track_id, 1.0)


def result(index: int = 0, faces: Sequence[FaceResult] = (), time: float = 0.0) -> FrameResult:
    stages = {"detect": 2.0, "crop": 0.5, "classify": 0.4, "track": 0.1}
    return FrameResult("fake", index, time, tuple(faces), stages)


def frames(count: int, fps: float = 30.0, source: str = "fake", **more: Any) -> list[Frame]:
    return [Frame(image(value=n), n, n / fps, source, **more) for n in range(count)]


def outage(age: float = 12.0, reason: str = "fake: expected frames, found none") -> Outage:
    return Outage("fake", 100.0, age, reason, 5.0)


class FakeSource(BaseSource):
    """Gives ``given``, and then is lost if ``lost``."""

    def __init__(
        self,
        given: Iterable[Frame | Outage],
        lost: bool = False,
        fps: float = 30.0,
        name: str = "fake",
    ) -> None:
        self.name, self.fps = name, fps
        self.closed = False
        self._given, self._lost = given, lost

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[Frame | Outage]:
        yield from self._given
        if self._lost:
            raise SourceLostError("fake: lost")


class FakeDetector:
    """Finds the same faces in every image; counts its calls."""

    name, framing = "fake", "blazeface"
    min_score, input_px, least_px = 0.5, 128, 26

    def __init__(self, *boxes: Box) -> None:
        self.calls = 0
        self.windows: list[Window] = []
        self._faces = [face(box) for box in boxes]

    def detect(self, image: Image) -> Sequence[Face]:
        """Find what has a fifth of the longer side."""
        self.calls += 1
        return [one for one in self._faces if one.box.width >= max(image.shape) / 5]

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Find what has ``least_px`` of the window, and of that the part that it shows."""
        self.windows.append(window)
        scale = window.columns / window.width
        parts = [(one, _part(one.box, window)) for one in self._faces]
        return [
            replace(one, box=part)
            for one, part in parts
            if part.area > one.box.area / 2 and one.box.width * scale >= self.least_px
        ]


def _part(box: Box, window: Window) -> Box:
    right, bottom = window.left + window.width, window.top + window.height
    return Box(
        max(box.left, window.left),
        max(box.top, window.top),
        min(box.right, right),
        min(box.bottom, bottom),
    )


class FakeClassifier:
    labels = LABELS

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        return np.tile(row(0.1, 0.8, 0.1), (len(crops), 1))


class RecordingSink(BaseSink):
    """Keeps what it is given; fails from frame ``fails_at`` on."""

    def __init__(self, fails_at: float = float("inf")) -> None:
        self.frames: list[Frame] = []
        self.results: list[FrameResult] = []
        self.outages: list[Outage] = []
        self.events: list[Event] = []
        self.closed_with: list[Any] = []
        self._fails_at = fails_at

    def __exit__(self, *problem: object) -> None:
        self.closed_with.append(problem[1])

    def write(self, frame: Frame, result: FrameResult) -> None:
        if frame.index >= self._fails_at:
            raise SinkError("fake: disk full")
        self.frames.append(frame)
        self.results.append(result)

    def lost(self, outage: Outage) -> None:
        self.outages.append(outage)

    def notice(self, event: Event) -> None:
        self.events.append(event)
