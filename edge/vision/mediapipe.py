"""BlazeFace through the MediaPipe package, for comparison: ``blazeface`` computes the same without.

Needs the release of ``requirements/edge-mediapipe.in``: later ones post usage to their vendor, as
soon as a detector is made.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.adapters import DetectorAdapter
from edge.assets import advice, read_asset
from edge.errors import DetectorError, first_line
from edge.protocols import Window
from edge.types import Box, Face, Image

_MODEL = "BlazeFace short range"
_FAILURES = (ImportError, OSError, RuntimeError, ValueError)
_ADVICE = advice(
    "run 'make run-edge DETECTOR=mediapipe', which installs it",
    "install the release of requirements/edge-mediapipe.in",
)


class MediaPipeDetector:
    """Finds faces with ``mediapipe.tasks`` in IMAGE mode; belongs to one thread."""

    framing = "blazeface"
    input_px, least_px = 128, 0  # its makers have it look at whole frames

    def __init__(self, min_score: float = 0.5) -> None:
        """Import the package, which takes 2 s, and open its detector.

        Faces that score at least ``min_score`` (0…1) are found. Raises ``DetectorError`` where the
        package or a library of the system that it needs is missing, ``AssetError``.
        """
        model = read_asset(_MODEL)
        try:
            import mediapipe  # noqa: PLC0415
            from mediapipe.tasks.python import BaseOptions, vision  # noqa: PLC0415

            options = vision.FaceDetectorOptions(
                base_options=BaseOptions(model_asset_buffer=model),
                min_detection_confidence=min_score,
            )
            self._detector = vision.FaceDetector.create_from_options(options)
        except _FAILURES as error:
            raise DetectorError(
                f"mediapipe: expected the package and libEGL and libGLES, found: "
                f"{first_line(error)}; {_ADVICE}, or use the detector 'blazeface'"
            ) from error
        weakref.finalize(self, _close, self._detector)
        self._image = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        self.min_score = min_score
        self.name = f"mediapipe {mediapipe.__version__}"

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best score first.

        Boxes are whole pixels plus a half: the package cuts the fractions off. Raises
        ``DetectorError``; the detector is of no use after that.
        """
        height, width = image.shape[:2]
        if not image.size:
            raise DetectorError(f"expected a frame with pixels, found {width}×{height}; skip it")
        try:
            rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            found = self._detector.detect(self._image(self._format, rgb)).detections
        except _FAILURES as error:
            raise DetectorError(
                f"mediapipe: expected faces or none in a frame of {width}×{height}, found: "
                f"{first_line(error)}; use the detector 'blazeface'"
            ) from error
        faces = [_face(detection, width, height) for detection in found]
        return sorted(faces, key=lambda face: face.score, reverse=True)

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Look at nothing: ``least_px`` says so."""
        raise DetectorError("mediapipe: expected a whole frame, found a window; use 'blazeface'")


def _face(detection: Any, width: int, height: int) -> Face:
    box = detection.bounding_box
    left, top = box.origin_x + 0.5, box.origin_y + 0.5
    points = [(point.x * width, point.y * height) for point in detection.keypoints]
    return Face(
        Box(left, top, left + box.width + 0.5, top + box.height + 0.5),
        float(detection.categories[0].score),
        np.array(points, np.float32),
    )


def _close(detector: Any) -> None:
    """Close; at the end of the process, where that can't work any more, forget instead.

    The package's own finaliser would print a traceback then.
    """
    with contextlib.suppress(*_FAILURES):
        detector.close()
    detector._handle = None


def _open(min_score: float, threads: int, model: Path) -> MediaPipeDetector:
    del threads, model  # the package decides by itself, and takes the file of this one
    return MediaPipeDetector(min_score)


ADAPTER = DetectorAdapter("mediapipe", _open, lambda _: MediaPipeDetector().name)
