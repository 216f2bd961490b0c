"""OpenCV's captures as ours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import cv2
import numpy as np

from edge.errors import SourceError, SourceLostError, first_line
from edge.frames import Image

_FOREIGN = (cv2.error, OSError, ValueError, RuntimeError)
"""What OpenCV, its backends and the file system raise where a device misbehaves."""


class OpenCVCapture:
    """An open ``cv2.VideoCapture`` as a ``Capture``; ``name`` is for messages."""

    def __init__(self, capture: cv2.VideoCapture, name: str, image_format: str = "") -> None:
        """Take ``capture`` over, to be released with this."""
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 1000 else 0.0
        self.format = image_format
        self._capture, self._name = capture, name

    def read(self) -> Image | None:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; raises ``SourceLostError``."""
        try:
            found, image = self._capture.read()
            return np.asarray(image, np.uint8) if found else None
        except _FOREIGN as error:
            raise SourceLostError(
                f"{self._name}: expected a frame, found that OpenCV can't read it "
                f"({_said(error)}); check the device"
            ) from error

    def release(self) -> None:
        """Close the device."""
        with suppress(*_FOREIGN):  # it is gone
            self._capture.release()


@contextmanager
def opening(name: str, what: str, remedy: str) -> Iterator[None]:
    """Raise ``SourceError`` for what else goes wrong while ``what`` is opened as ``name``.

    A reader hands on nothing but that: all else would be a thread that ends without a word.
    """
    try:
        yield
    except _FOREIGN as error:
        raise SourceError(
            f"{name}: expected {what} that opens, found: {_said(error)}; {remedy}"
        ) from error


def _said(error: Exception) -> str:
    """What ``error`` says; of OpenCV's, without the place in its source."""
    return getattr(error, "err", None) or first_line(error)
