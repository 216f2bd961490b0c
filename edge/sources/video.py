"""A video file, every frame of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.errors import SourceFileError, SourceLostError
from edge.frames import Frame, Image
from edge.sources.images import SUFFIXES

_FALLBACK_FPS = 30.0
_SHORTFALL = 0.05
"""Headers are often a few frames off; a video that lacks more than this share of them is cut."""
_FEW = 5


class VideoSource:
    """The frames of ``path`` in order; none is dropped.

    Capture times run as if the video played from the start of the iteration, whatever the
    speed at which it is processed, so that seconds mean seconds of the video.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.fps = _FALLBACK_FPS
        self.description = self.state = path.name
        self._path = path
        self._kind = "an image" if path.suffix.lower() in SUFFIXES else "a video"
        self._capture: cv2.VideoCapture | None = None
        self._first: Image | None = None

    def __enter__(self) -> Self:
        """Open the file and decode its first frame; raises ``SourceFileError``."""
        self._check_file()
        capture = cv2.VideoCapture(str(self._path))
        self._capture = capture
        self._first = self._read()
        if self._first is None:
            capture.release()
            raise SourceFileError(
                f"{self._path}: expected {self._kind}, found no picture in it; "
                "does another program open it?"
            )
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 1000 else _FALLBACK_FPS
        height, width = self._first.shape[:2]
        self.description = f"{self._path.name} ({width}×{height}, {self.fps:.4g} FPS)"
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        """Give every frame; raises ``SourceLostError`` where the file ends before its time."""
        start, index, image = time.monotonic(), 0, self._first
        while image is not None:
            yield Frame(image, index, start + index / self.fps)
            index, image = index + 1, self._read()
        promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) if self._capture else 0
        if math.isfinite(promised) and promised - index > max(_FEW, _SHORTFALL * promised):
            raise SourceLostError(
                f"{self._path}: expected about {promised:.0f} frames, found {index}; the file is "
                "damaged or cut, and the results end there"
            )

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
                f"{self._path}: expected {self._kind}, found an empty file; copy it again"
            )
