"""What the tests of sinks write: frames, results, outages; and how they read files back."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np

from edge.errors import SinkError
from edge.protocols import BaseSink, Sink
from edge.types import Box, Expression, Face, FaceResult, Frame, FrameResult, Image, Outage

LABELS = ("angry", "happy", "sad")


def image(width: int = 64, height: int = 48, value: int = 0) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def square(x: float, y: float, side: float) -> Box:
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def expression(label: str = "happy", score: float = 0.8, certain: bool = True) -> Expression:
    rest = round((1 - score) / (len(LABELS) - 1), 6)
    return Expression(label, score, certain, {n: score if n == label else rest for n in LABELS})


def face(
    box: Box, shown: Expression | None = None, track: int | None = 1, tracked: bool = True
) -> FaceResult:
    shown = shown or expression()
    found = Face(box, 0.9, np.zeros((6, 2), np.float32))
    return FaceResult(found, shown, shown if tracked else None, track if tracked else None)


def result(index: int = 0, *faces: FaceResult, time: float = 0.0, source: str = "") -> FrameResult:
    stages = {"detect": 2.0, "crop": 0.5, "classify": 0.4, "track": 0.1}
    return FrameResult(source, index, time, faces, stages)


def frames(count: int, fps: float = 25.0, **more: Any) -> list[Frame]:
    """Frames that grow brighter by 2."""
    return [Frame(image(value=2 * n % 250), n, n / fps, **more) for n in range(count)]


def feed(sink: Sink, given: list[Frame], faces: int = 1) -> None:
    for frame in given:
        seen = [face(square(20 * n + 10, 20, 10), track=n + 1) for n in range(faces)]
        sink.write(frame, result(frame.index, *seen, time=frame.time, source=frame.source))


def outage(
    age: float, reason: str = "camera 0: expected frames, found none", **more: Any
) -> Outage:
    return Outage("camera 0", 100 + age, age, reason, **more)


def shown(path: Path) -> list[tuple[float, float]]:
    """When each picture of a video is shown, in seconds, and its mean level."""
    with av.open(str(path)) as video:
        return [
            (frame.time or 0.0, float(frame.to_ndarray(format="bgr24").mean()))
            for frame in video.decode(video=0)
        ]


class RecordingSink(BaseSink):
    """Keeps what it is given; fails from frame ``fails_at`` on."""

    def __init__(self, fails_at: float = float("inf")) -> None:
        self.frames: list[Frame] = []
        self.results: list[FrameResult] = []
        self.outages: list[Outage] = []
        self.closed_with: list[Any] = []
        self._fails_at = fails_at

    def __exit__(self, *problem: Any) -> None:
        self.closed_with.append(problem[1])

    def write(self, frame: Frame, result: FrameResult) -> None:
        if frame.index >= self._fails_at:
            raise SinkError("fake: disk full")
        self.frames.append(frame)
        self.results.append(result)

    def lost(self, outage: Outage) -> None:
        self.outages.append(outage)


class NearlyFull(io.FileIO):
    """Takes ``room`` bytes, the last of them as a part of what it is given."""

    room = 0

    def write(self, data: Any) -> int:
        part = bytes(data)[: self.room]
        if not part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(part)
        return super().write(part)


_WITHOUT = """
import sys
from pathlib import Path
sys.modules[sys.argv[1]] = None
from edge.errors import SinkError
from edge.sinks import find_adapter
try:
    find_adapter(Path(sys.argv[2])).check(Path(sys.argv[2]))
except SinkError as error:
    print(error)
"""


def refusal_without(package: str, path: Path, repository: Path) -> str:
    """What the check of an output at ``path`` says where ``package`` is not installed."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, package, str(path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
