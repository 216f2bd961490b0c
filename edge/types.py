"""The types at the seams of the loop; ``protocols`` has what its parts must be.

source → ``Frame`` → detector → ``Face`` → crop → classifier → tracker → ``FrameResult`` → sinks

Coordinates are pixels of the frame, x to the right and y down, with the origin at the outer corner
of the top-left pixel. Times are seconds from the start of a source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ImageError
from edge.records import ExpressionRecord, FaceRecord, FrameRecord

Image = NDArray[np.uint8]
"""``uint8[H, W, 3]``, BGR."""
LARGEST_SIDE = 32_766
"""Pixels a side of an image at most, by OpenCV's fixed-point sampling."""
Floats = NDArray[np.float32]
STAGES = ("detect", "crop", "classify", "track")
"""Of a frame's work, in this order."""
LOST = 1.8
"""Seconds without a frame after which a live source is lost, where it does not say so itself."""


def check_image(image: object) -> None:
    """Raise ``ImageError`` unless ``image`` is ``uint8[H, W, 3]`` with a pixel at least."""
    if image is None:
        found = "None; cv2.imread returns that where it can't read the file"
    elif not isinstance(image, np.ndarray):
        found = f"{type(image).__name__}; read a file with cv2.imread, or see numpy.asarray"
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        found = f"{image.dtype}{list(image.shape)}; convert it, as with cv2.cvtColor"
    else:
        return
    raise ImageError(f"image: expected uint8[height, width, 3] in BGR, found {found}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One image from a source.

    ``image`` is ``uint8[H, W, 3]`` BGR and is not written to after it was yielded. ``index`` counts
    the frames of its ``source`` from 0; ``source`` is the name that records carry: a file's name
    (relative to the folder that was given), "camera 0", a stream's address without password.
    ``time`` is seconds from the start of the source: a video's own clock, or the time since a live
    source's first frame. ``still`` marks a photograph, ``live`` a source that cannot wait. Of live
    frames ``dropped`` counts those that were discarded since the frame before, ``captured_at`` is
    ``time.monotonic()`` and ``wall_time`` Unix seconds, both at capture. ``audio`` holds the
    encoded PyAV audio packets of a video file that lie between the frame before and this one.
    ``done`` is the share (0…1) of its file or folder that ends with this frame, NaN where unknown.
    """

    image: Image
    index: int
    time: float
    source: str = ""
    still: bool = False
    live: bool = False
    dropped: int = 0
    captured_at: float = math.nan
    wall_time: float | None = None
    audio: tuple[Any, ...] = ()
    done: float = math.nan


@dataclass(frozen=True, slots=True)
class Outage:
    """What a live source yields, about every 0.1 s, while there is no new frame.

    ``time`` is now on the clock of ``Frame.time``; ``age`` is seconds since the newest frame (since
    the source was opened where there was none); ``reason`` says what is wrong, empty while the
    source only waits for its next frame; ``retry_in`` is seconds until the device is opened again,
    0 while it is being opened.
    """

    source: str
    time: float
    age: float
    reason: str = ""
    retry_in: float = 0.0

    @property
    def is_shown(self) -> bool:
        """Whether to tell people of it: a short wait for the next frame is none."""
        return bool(self.reason) or self.age >= LOST

    @property
    def state(self) -> str:
        """For people: "no picture for 12 s · next try in 5 s"."""
        then = f"next try in {math.ceil(self.retry_in)} s" if self.retry_in > 0 else "trying now"
        return f"no picture for {self.age:.0f} s · {then}"


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
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        its_left, its_top, its_right, its_bottom = other.left, other.top, other.right, other.bottom
        # Comparisons instead of min and max: it is called for every pair of a frame's boxes.
        width = (right if right < its_right else its_right) - (
            left if left > its_left else its_left
        )
        if width <= 0:
            return 0.0
        height = (bottom if bottom < its_bottom else its_bottom) - (
            top if top > its_top else its_top
        )
        if height <= 0:
            return 0.0
        shared = width * height  # so that neither is empty
        own = (right - left) * (bottom - top)
        its = (its_right - its_left) * (its_bottom - its_top)
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
class Expression:
    """One of the model's labels with its own probability ``score`` (0…1).

    ``certain`` says whether the model would stand by the label; ``probabilities`` maps every label
    of the model to its probability; they sum to 1.
    """

    label: str
    score: float
    certain: bool
    probabilities: Mapping[str, float]

    def to_dict(self) -> ExpressionRecord:
        """Return the values as records hold them."""
        return {
            "label": self.label,
            "score": round(self.score, 4),
            "certain": self.certain,
            "probabilities": {name: round(p, 4) for name, p in self.probabilities.items()},
        }


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One face of one frame.

    ``label``, ``score``, ``certain`` and ``probabilities`` are what this frame alone shows. In a
    tracked source ``smoothed`` is the same over time, which is what a screen shows, ``track_id``
    (from 1) stays with the person, and ``age`` is seconds since the track began.
    """

    face: Face
    expression: Expression
    smoothed: Expression | None = None
    track_id: int | None = None
    age: float = 0.0

    @property
    def box(self) -> Box:
        """Where the detector found the face."""
        return self.face.box

    @property
    def key_points(self) -> Floats:
        """``float32[6, 2]`` (x, y) in pixels, see ``Face``."""
        return self.face.key_points

    @property
    def label(self) -> str:
        """Always one of the model's labels."""
        return self.expression.label

    @property
    def score(self) -> float:
        """The probability of ``label``."""
        return self.expression.score

    @property
    def certain(self) -> bool:
        """Whether the model would stand by ``label``."""
        return self.expression.certain

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Every label's probability."""
        return self.expression.probabilities

    @property
    def shown(self) -> Expression:
        """What a screen shows: the smoothed expression, of an untracked face its own."""
        return self.smoothed or self.expression

    def to_dict(self) -> FaceRecord:
        """Return the values as records hold them."""
        box, own = self.box, self.expression.to_dict()
        content: FaceRecord = {
            "box": [round(side, 2) for side in (box.left, box.top, box.right, box.bottom)],
            "key_points": [[round(x, 2), round(y, 2)] for x, y in self.key_points.tolist()],
            "detection_score": round(self.face.score, 4),
            "label": own["label"],
            "score": own["score"],
            "certain": own["certain"],
            "probabilities": own["probabilities"],
        }
        if self.track_id is not None:
            content["track"] = self.track_id
        if self.smoothed is not None:
            content["smoothed"] = self.smoothed.to_dict()
        return content


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was found in one frame.

    ``source``, ``index``, ``time`` and ``wall_time`` are those of the frame; ``stage_ms`` maps the
    stages detect, crop, classify and track to milliseconds.
    """

    source: str
    index: int
    time: float
    faces: tuple[FaceResult, ...]
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    wall_time: float | None = None

    def to_dict(self) -> FrameRecord:
        """Return exactly a line of the .jsonl."""
        content: FrameRecord = {
            "source": self.source,
            "time": round(self.time, 6),
            "frame": self.index,
            "faces": [face.to_dict() for face in self.faces],
            "stage_ms": {name: round(ms, 3) for name, ms in self.stage_ms.items()},
        }
        if self.wall_time is not None:
            content["wall_time"] = iso_time(self.wall_time)
        return content


def iso_time(seconds: float) -> str:
    """Unix ``seconds`` as ISO 8601 in UTC: "2026-11-29T10:36:02.125+00:00"."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
