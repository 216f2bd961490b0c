"""The types at the seams of the loop, and the protocols of its parts.

source → ``Frame`` → detector → ``Face`` → crop → classifier → tracker → ``Track`` → sinks

Coordinates are pixels of the frame, x to the right and y down, with the origin at the outer corner
of the top-left pixel. Times are seconds of ``time.monotonic``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""``uint8[H, W, 3]``, BGR."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One image from a source.

    ``image`` is ``uint8[H, W, 3]`` BGR, into which nobody writes any more; ``captured_at`` is
    monotonic seconds; ``dropped`` counts the frames that a live source discarded since the one
    before this; ``name`` is that of the file where each frame has one of its own; ``live`` says
    that ``captured_at`` is when it was seen, not a time of the file's own clock.
    """

    image: Image
    index: int
    captured_at: float
    dropped: int = 0
    name: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class Outage:
    """What a live source gives instead of a frame, about every 0.1 s, while it has no picture.

    ``at`` is now and ``since`` when the last picture came, in monotonic seconds; ``reason`` is for
    people; ``retry_in`` is seconds until the device is opened again, 0 while that is being tried.
    """

    at: float
    since: float
    reason: str
    retry_in: float

    @property
    def state(self) -> str:
        """For people: "no picture for 12 s · next try in 5 s"."""
        then = f"next try in {math.ceil(self.retry_in)} s" if self.retry_in > 0 else "trying now"
        return f"no picture for {self.at - self.since:.0f} s · {then}"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels; it may reach beyond the frame."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels, zero where the box is empty."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y) in pixels."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def iou(self, other: Box) -> float:
        """Intersection over union with ``other``, from 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        if width <= 0:
            return 0.0
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if height <= 0:
            return 0.0
        shared = width * height  # so that neither is empty
        own = (self.right - self.left) * (self.bottom - self.top)
        its = (other.right - other.left) * (other.bottom - other.top)
        return shared / (own + its - shared)


@dataclass(frozen=True, slots=True)
class Face:
    """One detection.

    ``score`` is in 0…1. ``key_points`` is ``float32[6, 2]`` (x, y) in pixels: right eye, left eye,
    nose tip, mouth centre, right ear tragion, left ear tragion, as the person has them.
    """

    box: Box
    score: float
    key_points: Floats


@dataclass(frozen=True, slots=True)
class Track:
    """One face that was seen in this frame, with what is known of it over time.

    ``emotion`` is a label of the model's contract or ``"uncertain"``; ``probabilities`` is
    ``float32[labels]``, smoothed, sums to 1; ``age`` is seconds since the face was first seen.
    """

    id: int
    box: Box
    emotion: str
    probabilities: Floats
    age: float

    def confidence(self, labels: Sequence[str]) -> float:
        """Return the probability of the label that is shown; of "uncertain" the highest one.

        It needn't be the highest while a change is young. ``labels`` are those of the
        probabilities.
        """
        own = dict(zip(labels, self.probabilities, strict=True)).get(self.emotion)
        return float(self.probabilities.max() if own is None else own)


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What the pipeline found in one frame; ``stage_ms`` maps stage name → milliseconds."""

    index: int
    captured_at: float
    tracks: Sequence[Track]
    stage_ms: Mapping[str, float]


class Source(Protocol):
    """Frames from somewhere: a context manager to be iterated once."""

    @property
    def description(self) -> str:
        """For people: "camera 0 (640×480)"."""
        ...

    def __enter__(self) -> Self:
        """Open; raises ``SourceError``."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release without waiting for a blocked read."""
        ...

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Frames in order, outages while a live source is lost.

        Raises ``SourceLostError`` where a file ends before its time.
        """
        ...


class Detector(Protocol):
    """Finds faces."""

    name: str

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best score first."""
        ...


class Classifier(Protocol):
    """Names expressions."""

    labels: tuple[str, ...]

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        """``uint8[n, h, w, 1]`` → calibrated probabilities ``float32[n, labels]``."""
        ...


class Processor(Protocol):
    """A pipeline."""

    def process(self, frame: Frame) -> FrameResult:
        """Find the faces of ``frame`` and name their expressions."""
        ...


class Sink(Protocol):
    """Takes every frame with its result: a context manager."""

    def __enter__(self) -> Self:
        """Open; raises ``SinkError``."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush and close."""
        ...

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result; raises ``SinkError``."""
        ...

    def lost(self, outage: Outage) -> None:
        """Take notice that there is no picture; raises ``SinkError``."""
        ...
