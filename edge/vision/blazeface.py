"""BlazeFace, MediaPipe's face detector, on our own interpreter.

Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
arXiv 1907.05047. Anchors, scales and thresholds are those of MediaPipe's graphs
(``mediapipe/modules/face_detection`` and ``mediapipe/tasks/cc/vision/face_detector``), and so is
the sampling of the input, so that both find the same boxes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.assets import read_asset
from edge.errors import DetectorError
from edge.types import Box, DetectorAdapter, Face, Floats, Image
from edge.vision.interpreter import open_model

_MAX_OVERLAP = 0.3
_MAX_SIDE = 32_766  # of an image, in OpenCV's fixed-point sampling


@dataclass(frozen=True, slots=True)
class Variant:
    """One published BlazeFace: its ``asset``, and its grids as (cells a side, anchors a cell)."""

    asset: str
    grids: tuple[tuple[int, int], ...]


SHORT_RANGE = Variant("BlazeFace short range", ((16, 2), (8, 6)))
"""128×128 input, for faces within 2 m of the camera."""
FULL_RANGE = Variant("BlazeFace full range", ((48, 1),))
"""192×192 input, for faces within 5 m."""


class BlazeFace:
    """Finds faces with one of the BlazeFace models; belongs to one thread."""

    framing = "blazeface"

    def __init__(
        self, min_score: float = 0.5, threads: int = 1, variant: Variant = SHORT_RANGE
    ) -> None:
        """Open the model; faces scoring at least ``min_score`` (between 0 and 1) are found.

        Raises ``AssetError``, ``ModelFileError``, ``InterpreterError``.
        """
        self.name = variant.asset
        self._model = open_model(read_asset(variant.asset), variant.asset, threads)
        self._size = self._model.inputs[0].shape[1]
        self._centres = np.tile(anchors(variant.grids), 8)
        self._decoder = decoder(self._size)
        self._min_logit = math.log(min_score / (1 - min_score))
        self._letterbox = Letterbox(1, 1, self._size)

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best first.

        Raises ``DetectorError`` where the image is empty or has a side of more than 32,766 pixels.
        """
        height, width = image.shape[:2]
        if (height, width) != self._letterbox.frame:
            self._letterbox = Letterbox(height, width, self._size)
        regressors, logits = self._model.run(self._letterbox.sample(image))
        # Few anchors pass, so that decoding only those costs next to nothing.
        found = np.flatnonzero(logits >= self._min_logit)
        if not found.size:
            return ()
        points = regressors[0].take(found, axis=0) @ self._decoder
        points += self._centres.take(found, axis=0)
        points = self._letterbox.to_frame(points.reshape(-1, 8, 2))
        scores = [1 / (1 + math.exp(-logit)) for logit in logits.ravel().take(found).tolist()]
        return weighted_nms(points, scores, _MAX_OVERLAP)


class Letterbox:
    """Fits frames of one size into the model's square, with a zero border.

    Pixel i of the square is read at i × scale of the frame, bilinearly, as MediaPipe's converter
    does (``image_to_tensor_converter_opencv.cc``): the corners' indices correspond, not the
    corners, which differs from ``cv2.resize`` by half a step.
    """

    def __init__(self, height: int, width: int, size: int) -> None:
        """Prepare for frames of ``height`` × ``width`` pixels and a square of ``size``."""
        if not (0 < height <= _MAX_SIDE and 0 < width <= _MAX_SIDE):
            raise DetectorError(
                f"expected a frame of 1…{_MAX_SIDE} pixels a side, found {width}×{height}; "
                "resize it"
            )
        self.frame = (height, width)
        side = max(height, width)
        self._side = np.float32(side)
        self._offset = np.array([(width - side) / 2, (height - side) / 2], np.float32)
        step = side / size
        columns, rows = (
            _touching(origin, step, size, length)
            for origin, length in zip(self._offset, (width, height), strict=True)
        )
        first_x, first_y = self._offset + step * np.array([columns.start, rows.start])
        self._map = np.array([(step, 0, first_x), (0, step, first_y)])
        # Most cameras' sizes: at whole positions both are equal, and this one is faster.
        whole = np.array_equal(self._map, np.rint(self._map))
        self._flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_NEAREST if whole else cv2.INTER_LINEAR)
        self._bgr = np.zeros((size, size, 3), np.uint8)
        self._rgb = np.empty_like(self._bgr)
        self._inside = self._bgr[rows, columns]
        self._input = np.empty((1, size, size, 3), np.float32)

    def sample(self, image: Image) -> Floats:
        """``uint8[H, W, 3]`` BGR → ``float32[1, size, size, 3]`` RGB in -1…1.

        The result is overwritten by the next call.
        """
        height, width = self._inside.shape[:2]
        if height and width:  # a frame one pixel high may lie between two rows of the square
            cv2.warpAffine(image, self._map, (width, height), self._inside, self._flags)
        cv2.cvtColor(self._bgr, cv2.COLOR_BGR2RGB, self._rgb)
        # One pass of x / 127.5 - 1 from uint8 to float32.
        cv2.addWeighted(self._rgb, 1 / 127.5, self._rgb, 0, -1, self._input[0], cv2.CV_32F)
        return self._input

    def to_frame(self, points: Floats) -> Floats:
        """Map ``float32[n, k, 2]`` (x, y) from fractions of the square to pixels of the frame."""
        return np.asarray(points * self._side + self._offset, np.float32)


def _touching(origin: float, step: float, size: int, length: int) -> slice:
    """Which of the square's pixels read the frame on one axis."""
    positions = origin + step * np.arange(size)
    first, last = positions.searchsorted(-1, "right"), positions.searchsorted(length, "left")
    return slice(int(first), int(last))


@functools.cache
def anchors(grids: tuple[tuple[int, int], ...]) -> Floats:
    """Centres of the anchors (x, y) as fractions of the square, ``float32[n, 2]``.

    Row by row over each grid of (cells a side, anchors a cell); all have the size of the square.
    """
    return np.concatenate([_grid(cells).repeat(count, axis=0) for cells, count in grids])


def _grid(cells: int) -> Floats:
    centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    return np.asarray(np.stack(np.meshgrid(centres, centres), axis=-1), np.float32).reshape(-1, 2)


@functools.cache
def decoder(size: int) -> Floats:
    """What a regressor's row is multiplied with: decoding is linear. ``float32[16, 16]``.

    The row is in pixels of a square of ``size``: a box's centre (x, y) and size (width, height),
    then six key points, centre and points relative to the anchor's centre. The product is top left,
    bottom right and key points as fractions of the square, each relative to the same.
    """
    matrix = np.eye(16, dtype=np.float32)
    for axis in (0, 1):
        centre, extent = axis, 2 + axis
        matrix[centre, extent] = 1
        matrix[extent, [centre, extent]] = -0.5, 0.5
    return matrix / np.float32(size)


def weighted_nms(points: Floats, scores: Sequence[float], max_overlap: float) -> tuple[Face, ...]:
    """Merge detections of the same face: the blending of Bazarevsky et al. 2019, section 3.3.

    ``points`` is ``float32[n, 8, 2]``: a box's corners and six key points; ``scores`` are in 0…1.
    The best detection absorbs those whose box overlaps its own by more than ``max_overlap``
    (intersection over union): their points are averaged by score, its score stays. Then the best of
    the rest, and so on. Returns the m ≤ n faces, best first.
    """
    # The few that there are have been compared one by one before NumPy would have begun.
    boxes = [Box(*corners) for corners in points[:, :2].reshape(-1, 4).tolist()]
    left = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    groups = []
    while left:
        best, *others = left
        same = {other for other in others if boxes[best].iou(boxes[other]) > max_overlap}
        left = [other for other in others if other not in same]
        groups.append([best, *same])
    weights = np.zeros((len(groups), len(scores)), np.float32)
    for row, group in zip(weights, groups, strict=True):
        total = sum(scores[one] for one in group)
        for one in group:
            row[one] = scores[one] / total
    merged = (weights @ points.reshape(-1, 16)).reshape(-1, 8, 2)
    corners = merged[:, :2].reshape(-1, 4).tolist()
    return tuple(
        Face(Box(*corner), scores[group[0]], key_points)
        for corner, group, key_points in zip(corners, groups, merged[:, 2:], strict=True)
    )


def _open(min_score: float, threads: int) -> BlazeFace:
    return BlazeFace(min_score, threads)


def _check() -> str:
    return BlazeFace().name


ADAPTER = DetectorAdapter("blazeface", _open, _check)
