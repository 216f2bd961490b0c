"""OpenCV's captures as ours."""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.errors import SourceLostError
from edge.frames import Image


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
        except cv2.error as error:
            raise SourceLostError(
                f"{self._name}: expected a frame, found that OpenCV can't read it ({error.err}); "
                "check the device"
            ) from error
        return np.asarray(image, np.uint8) if found else None

    def release(self) -> None:
        """Close the device."""
        self._capture.release()
