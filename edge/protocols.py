"""What the parts of the loop must be, and bases for those that have nothing to open or to close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge.events import Event
from edge.types import Face, Floats, Frame, FrameResult, Image, Outage


class Source(Protocol):
    """Frames from somewhere: a context manager to be iterated once.

    ``name`` is what records carry, ``description`` what a person reads, with what is known once
    there is a frame ("camera 0 (640×480, 30 FPS)"); ``fps`` is the nominal rate, 0 where unknown.
    ``live`` says that it cannot wait, ``size`` how much work it is compared to others, in bytes;
    ``paths`` are the files that it reads, ``damage`` what could not be read of them, so far.
    Before it is opened it may be given another ``name``, to be told from others; a live source that
    is ``patient`` yields outages until its device opens for the first time, instead of raising.
    """

    name: str
    fps: float
    live: bool
    size: float
    paths: Sequence[Path]
    patient: bool
    damage: str

    @property
    def description(self) -> str:
        """For people."""
        ...

    def __enter__(self) -> Self:
        """Open what opens at once; raises ``SourceError``. Never waits for a device."""
        ...

    def __exit__(self, *problem: object) -> None:
        """Release without waiting for a blocked read."""
        ...

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Frames in order, outages while a live source has none.

        A live source never blocks for longer than about 0.1 s. Raises ``SourceError`` where it
        does not open.
        """
        ...


class BaseSource:
    """A source with nothing to open or to release.

    A run keeps its sources to the end, so that one that was left holds no picture and no decoder.
    """

    name = ""
    fps = 0.0
    live = False
    size = 1.0
    paths: Sequence[Path] = ()
    patient = False
    damage = ""

    @property
    def description(self) -> str:
        """The name."""
        return self.name

    @property
    def undecodable(self) -> int:
        """Packets of a video that can't be decoded and are left out, so far."""
        return 0

    @property
    def length(self) -> float:
        """Seconds of a video that were read, so far."""
        return 0.0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Release nothing."""


class Window(NamedTuple):
    """A rectangle of a frame, in its pixels, which a detector sees as ``columns`` × ``rows``.

    ``mirrored`` swaps left and right of what the detector sees, not of what it says.
    """

    left: float
    top: float
    width: float
    height: float
    columns: int
    rows: int
    mirrored: bool = False


class Detector(Protocol):
    """Finds faces; belongs to one thread.

    ``name`` is for people; ``framing`` names the framing of a model's contract that belongs to its
    boxes. ``min_score`` (0…1) is the lowest of a face. ``input_px`` is the longer side at which it
    sees a whole frame, ``least_px`` how much of that a face must fill, in pixels; 0 where it looks
    at whole frames alone.
    """

    name: str
    framing: str
    min_score: float
    input_px: int
    least_px: int

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best score first."""
        ...

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Return the faces that ``window`` of ``image`` shows, in the frame's pixels, best first.

        ``image`` is ``uint8[H, W, 3]`` BGR; what lies outside of it is black.
        """
        ...


class Classifier(Protocol):
    """Names expressions."""

    labels: tuple[str, ...]

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        """``uint8[n, h, w, 1]`` → calibrated probabilities ``float32[n, labels]``."""
        ...


class Sink(Protocol):
    """Takes every frame with its result: a context manager."""

    def __enter__(self) -> Self:
        """Open; raises ``SinkError``. Leaves nothing behind where no frame follows."""
        ...

    def __exit__(self, *problem: object) -> None:
        """Flush and close; raises ``SinkError``."""
        ...

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one frame with its result; raises ``SinkError``."""
        ...

    def lost(self, outage: Outage) -> None:
        """Take notice that there is no new frame; raises ``SinkError``."""
        ...

    def notice(self, event: Event) -> None:
        """Take one event, before the frame or outage that shows it; raises ``SinkError``."""
        ...


class BaseSink:
    """A sink that does nothing where its subclass says nothing else."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Close nothing."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Ignore the frame."""

    def lost(self, outage: Outage) -> None:
        """Ignore the outage."""

    def notice(self, event: Event) -> None:
        """Ignore the event."""
