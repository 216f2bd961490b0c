"""YuNet, OpenCV's face detector, whose file the user brings.

Wu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20.
It finds smaller faces than BlazeFace, and fewer turned and raised heads, for two to four times the
price of a call. Published by OpenCV in its model zoo, MIT licence; nothing of it comes with this
package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.adapters import DetectorAdapter
from edge.errors import DetectorError, ModelFileError, first_line
from edge.files import read_regular
from edge.protocols import Window
from edge.types import Box, Face, Image
from edge.vision.interpreter import MAX_MODEL_BYTES
from edge.vision.windows import check_size, sample

FILE = "face_detection_yunet_2023mar.onnx"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_PUBLISHED = "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet"
_MAX_OVERLAP = 0.3
_MOST_FACES = 5000
_STEP = 32
"""Sides of an input are multiples of this."""
_POINTS = (4, 6, 8, 10, 12)
"""Columns of x in a row: right eye, left eye, nose tip, right and left corner of the mouth."""
_MIRRORED = [1, 0, 2, 3, 5, 4]


class YuNet:
    """Finds faces with ``cv2.FaceDetectorYN``; belongs to one thread."""

    framing = "yunet"
    input_px = 320
    least_px = 24

    def __init__(self, path: Path, min_score: float = 0.5) -> None:
        """Open OpenCV's file at ``path``.

        Faces that score at least ``min_score`` (0…1) are found. Raises ``ModelFileError`` where the
        file is missing or another one, ``DetectorError`` where OpenCV can't run it.
        """
        content = read_file(path)
        try:
            self._network = cv2.FaceDetectorYN.create(
                "onnx",
                np.frombuffer(content, np.uint8),
                np.empty(0, np.uint8),
                (self.input_px, self.input_px),
                min_score,
                _MAX_OVERLAP,
                _MOST_FACES,
            )
        except cv2.error as error:
            raise DetectorError(
                f"yunet: expected an OpenCV that runs it, found {cv2.__version__}: "
                f"{first_line(error)}; use the detector 'blazeface'"
            ) from error
        self.name, self.min_score = "YuNet 2023mar", min_score

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best first.

        The longer side is seen as 320 pixels. Raises ``DetectorError`` where the image is empty or
        has a side of more than 32,766 pixels.
        """
        height, width = image.shape[:2]
        check_size(height, width)
        scale = self.input_px / max(height, width)
        rows, columns = (max(round(side * scale), 1) for side in (height, width))
        return self.look(image, Window(0, 0, width, height, columns, rows), self.min_score)

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Return the faces that ``window`` shows, see ``Detector``; raises ``DetectorError``."""
        check_size(*image.shape[:2])
        rows, columns = (-(-side // _STEP) * _STEP for side in (window.rows, window.columns))
        pixels = np.zeros((rows, columns, 3), np.uint8)
        pixels[: window.rows, : window.columns] = sample(image, window)
        self._network.setInputSize((columns, rows))
        self._network.setScoreThreshold(min_score)
        found = self._network.detect(pixels)[1]
        if found is None:
            return ()
        return [_face(row, window) for row in found[found[:, 14].argsort()[::-1]]]


def read_file(path: Path) -> bytes:
    """Read YuNet's published file; raises ``ModelFileError`` where it is missing or another one."""
    try:
        content = read_regular(path, MAX_MODEL_BYTES) if path.exists() else b""
    except OSError as error:
        raise ModelFileError(
            f"{path}: expected a readable file, found: {error.strerror}; check the path and its "
            "permissions"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        what = f"SHA-256 {found[:12]}…" if content else "no such file"
        raise ModelFileError(
            f"{path}: expected OpenCV's {FILE} (SHA-256 {SHA256[:12]}…), found {what}; get it from "
            f"{_PUBLISHED} and put it there, or name it with '--detector-model'"
        )
    return content


def _face(row: np.ndarray, window: Window) -> Face:
    """A face in the frame's pixels from a row: box (x, y, width, height), points, score."""
    x, y, width, height = row[:4].tolist()
    points = np.stack([row[list(_POINTS)], row[[n + 1 for n in _POINTS]]], axis=1)
    corners = np.array([(x, y), (x + width, y + height)], np.float32)
    right_eye, left_eye, nose, right_mouth, left_mouth = points
    # BlazeFace's key points: YuNet has no ears, which stand half an eyes' distance further out.
    beside = (left_eye - right_eye) / 2
    six = np.stack(
        [
            right_eye,
            left_eye,
            nose,
            (right_mouth + left_mouth) / 2,
            right_eye - beside,
            left_eye + beside,
        ]
    )
    if window.mirrored:
        corners[:, 0] = window.columns - 1 - corners[::-1, 0]
        six[:, 0] = window.columns - 1 - six[:, 0]
        six = six[_MIRRORED]
    step = np.array([window.width / window.columns, window.height / window.rows])
    origin = np.array([window.left, window.top])
    (left, top), (right, bottom) = (corners * step + origin).tolist()
    score = min(max(float(row[14]), 0.0), 1.0)
    return Face(Box(left, top, right, bottom), score, np.asarray(six * step + origin, np.float32))


def _open(min_score: float, threads: int, model: Path) -> YuNet:
    del threads  # OpenCV's own number is for the whole process
    return YuNet(model, min_score)


def _check(model: Path) -> str:
    return f"{YuNet(model).name}, published at {_PUBLISHED}"


ADAPTER = DetectorAdapter("yunet", _open, _check, needs_file=True)
