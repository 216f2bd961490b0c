"""Stand-ins for the parts of the loop, handed in through constructors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import SinkError, SourceLostError
from edge.frames import Box, Face, Floats, Frame, FrameResult, Image, Outage, Sink, Track

LABELS = ("angry", "happy", "sad")


def image(width: int = 64, height: int = 48, value: int = 0) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def square(x: float, y: float, side: float) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def face(box: Box) -> Face:
    return Face(box, 0.9, np.zeros((6, 2), np.float32))


def row(*values: float) -> Floats:
    return np.array(values, np.float32) / np.float32(sum(values))


def track(box: Box, label: str = "happy", number: int = 1) -> Track:
    return Track(number, box, label, row(0.1, 0.8, 0.1), 1.0)


def result(index: int = 0, tracks: Sequence[Track] = (), at: float = 0.0) -> FrameResult:
    stages = {"detect": 2.0, "crop": 0.5, "classify": 0.4, "track": 0.1}
    return FrameResult(index, at, tracks, stages)


def frames(count: int, fps: float = 30.0) -> list[Frame]:
    return [Frame(image(value=index), index, 100 + index / fps) for index in range(count)]


def feed(sink: Sink, given: list[Frame], tracks: int = 1) -> None:
    for frame in given:
        seen = [track(square(20 * n + 10, 20, 10), number=n + 1) for n in range(tracks)]
        sink.write(frame, result(frame.index, seen, frame.captured_at))


def levels(path: Path) -> list[float]:
    capture, found = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        found.append(float(read[1].mean()))
    capture.release()
    return found


def write_video(path: Path, count: int, fps: float = 25.0) -> Path:
    """A video of Motion JPEG whose frames grow brighter."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for index in range(count):
        writer.write(image(value=10 * index % 250))
    writer.release()
    return path


def outage(retry_in: float = 5.0, at: float = 112.0) -> Outage:
    return Outage(at, 100.0, "fake: expected frames, found none; check its cable", retry_in)


class FakeSource:
    """Gives ``frames``, and then is lost if ``lost``."""

    def __init__(
        self, given: Sequence[Frame | Outage], lost: bool = False, fps: float = 30.0
    ) -> None:
        self.description, self.state, self.fps = "fake", "fake live", fps
        self.opened = self.closed = False
        self._given, self._lost = given, lost

    def __enter__(self) -> Self:
        self.opened = True
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def __iter__(self) -> Iterator[Frame | Outage]:
        yield from self._given
        if self._lost:
            raise SourceLostError("fake: lost")


class FakeDetector:
    name = "fake"

    def __init__(self, *boxes: Box) -> None:
        self._faces = [face(box) for box in boxes]

    def detect(self, image: Image) -> Sequence[Face]:
        return self._faces


def blank_crops(image: Image, faces: Sequence[Face]) -> NDArray[np.uint8]:
    return np.zeros((len(faces), 48, 48, 1), np.uint8)


class FakeClassifier:
    labels = LABELS

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        return np.tile(row(0.1, 0.8, 0.1), (len(crops), 1))


class RecordingSink:
    """Keeps what it is given; fails from frame ``fails_at`` on."""

    def __init__(self, fails_at: float = float("inf")) -> None:
        self.frames: list[Frame] = []
        self.results: list[FrameResult] = []
        self.outages: list[Outage] = []
        self.closed_with: list[Any] = []
        self._fails_at = fails_at

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: Any) -> None:
        self.closed_with.append(problem[1])

    def write(self, frame: Frame, result: FrameResult) -> None:
        if frame.index >= self._fails_at:
            raise SinkError("fake: disk full")
        self.frames.append(frame)
        self.results.append(result)

    def lost(self, outage: Outage) -> None:
        if len(self.frames) >= self._fails_at:
            raise SinkError("fake: disk full")
        self.outages.append(outage)


class FakeGui:
    """OpenCV's windows: ``key`` is pressed, or the window is ``closed`` as Qt closes it."""

    def __init__(self, key: int = -1, closed: bool = False) -> None:
        self.shown: list[Image] = []
        self.size: tuple[int, int] | None = None
        self.closed = closed
        self._key = key

    def getWindowProperty(self, title: str, flag: int) -> float:  # noqa: N802
        if self.closed:
            raise cv2.error("NULL guiReceiver")
        return 1.0

    def resizeWindow(self, title: str, width: int, height: int) -> None:  # noqa: N802
        self.size = (width, height)

    def imshow(self, title: str, picture: Image) -> None:
        self.shown.append(picture)

    def waitKey(self, milliseconds: int) -> int:  # noqa: N802
        return self._key
