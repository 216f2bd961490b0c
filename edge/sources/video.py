"""A video file, every frame of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import cv2
import numpy as np

from edge.errors import SourceFileError, SourceLostError
from edge.frames import Frame, Image
from edge.sources.images import NAMES as IMAGES

_FALLBACK_FPS = 30.0
_MOST_FPS = 240.0
"""Some containers name their clock's ticks instead of the rate, 1,000 a second."""
_SHORTFALL = 0.05
"""Headers are often a few frames off; a video that lacks a larger share of them is cut."""
_FEW = 5


class Capture(Protocol):
    """What is needed of ``cv2.VideoCapture``."""

    def read(self) -> tuple[bool, Any]:
        """Decode the next picture."""
        ...

    def get(self, key: int, /) -> float:
        """Return a property."""
        ...

    def release(self) -> None:
        """Close the file."""
        ...


class VideoSource:
    """The frames of ``path`` in order; none is dropped.

    Capture times run as if the video played from the start of the iteration, whatever the
    speed at which it is processed, so that seconds mean seconds of the video. They are those of the
    container, also where its rate varies, as it does in what phones and browsers record.
    """

    def __init__(
        self, path: Path, open_capture: Callable[[str], Capture] = cv2.VideoCapture
    ) -> None:
        """Name the file; nothing is opened yet."""
        self.fps = _FALLBACK_FPS
        self.description = self.state = path.name
        self._path = path
        self._open = open_capture
        self._capture: Capture | None = None
        self._first: Image | None = None

    def __enter__(self) -> Self:
        """Open the file and decode its first frame; raises ``SourceFileError``."""
        self._check_file()
        capture = self._open(str(self._path))
        self._capture = capture
        self._first = self._read()
        if self._first is None:
            capture.release()
            raise SourceFileError(
                f"{self._path}: expected a video or an image ({IMAGES}), found "
                "no picture in it; copy it again if it is cut, or see if another program opens it"
            )
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= _MOST_FPS else _FALLBACK_FPS
        height, width = self._first.shape[:2]
        self.description = f"{self._path.name} ({width}×{height}, {self.fps:.4g} FPS)"
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        """Give every frame; raises ``SourceLostError`` where the file ends before its time."""
        start, at, longest = time.monotonic(), 0.0, _FEW / self.fps
        index, image, begun = 0, self._first, self._stamp()
        while image is not None:
            yield Frame(image, index, start + at)
            index, image, before = index + 1, self._read(), at
            played = self._stamp() - begun
            at = played if played > before else before + 1 / self.fps
            longest = max(longest, at - before)
        self._check_length(index, at, longest)

    def _stamp(self) -> float:
        """The time of the picture that was read last, in seconds by the container's clock."""
        return self._get(cv2.CAP_PROP_POS_MSEC) / 1e3

    def _check_length(self, count: int, seconds: float, longest: float) -> None:
        """Raise ``SourceLostError`` where the header promises more frames and more time.

        Some containers know their time alone, and the last picture may stand as long as any.
        """
        frames, rate = self._get(cv2.CAP_PROP_FRAME_COUNT), self._get(cv2.CAP_PROP_FPS)
        promised = frames / (rate if rate > 0 else self.fps)
        if frames - count > max(_FEW, _SHORTFALL * frames) and promised - seconds > max(
            longest, _SHORTFALL * promised
        ):
            raise SourceLostError(
                f"{self._path}: expected about {promised:.1f} s of video, found {seconds:.1f} s; "
                "the file is damaged or cut, and the results end there"
            )

    def _get(self, key: int) -> float:
        value = self._capture.get(key) if self._capture else 0.0
        return value if math.isfinite(value) else 0.0

    def _read(self) -> Image | None:
        found, image = self._capture.read() if self._capture else (False, None)
        return np.asarray(image, np.uint8) if found else None

    def _check_file(self) -> None:
        if (
            self._path.exists() and not self._path.is_file()
        ):  # opening a pipe waits for somebody who writes
            raise SourceFileError(
                f"{self._path}: expected a video file, found no regular file; name another"
            )
        try:
            with self._path.open("rb") as file:
                empty = not file.read(1)
        except OSError as error:
            raise SourceFileError(
                f"{self._path}: expected a video file, found {error.strerror}; "
                "check its path and its permissions"
            ) from error
        if empty:
            raise SourceFileError(
                f"{self._path}: expected a video, found an empty file; copy it again"
            )
