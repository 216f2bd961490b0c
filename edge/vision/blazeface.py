"""BlazeFace, MediaPipe's face detector, on our own interpreter.

Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
arXiv 1907.05047. Anchors, scales and thresholds are those of MediaPipe's graphs
(``mediapipe/modules/face_detection`` and ``mediapipe/tasks/cc/vision/face_detector``), and so is
the sampling of the input, so that both find the same boxes.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.adapters import DetectorAdapter
from edge.assets import read_asset
from edge.protocols import Window
from edge.types import Box, Face, Floats, Image
from edge.vision.interpreter import open_model
from edge.vision.windows import check_size, sample

_ASSET = "BlazeFace short range"
_SIZE = 128
_GRIDS = ((8, 2), (16, 6))
"""The anchors: a grid's step in pixels, and how many each of its cells has."""
_VALUES = (1, 16)
"""Of each anchor: its logit, and its box with the key points."""
_MAX_OVERLAP = 0.3
_STEP = 32
"""Sides of other inputs than the published one are multiples of this, so that few differ."""
_MOST_SIZES = 8
"""Networks that are kept; one of 256×256 takes 15 MB."""
_MIRRORED = [1, 0, 2, 3, 5, 4]
"""Key points of a mirror image in the order of the person."""


class BlazeFace:
    """Finds faces within 2 m with BlazeFace short range; belongs to one thread.

    In a whole frame it finds faces from a fifth of the longer side on. The network is convolutional
    from the first layer to the last, so that it looks at windows of other sizes as well, with the
    same weights and without a border inside.
    """

    framing = "blazeface"
    input_px = _SIZE
    least_px = 26

    def __init__(self, min_score: float = 0.5, threads: int = 1) -> None:
        """Open the model; faces scoring at least ``min_score`` (between 0 and 1) are found.

        Raises ``AssetError``, ``ModelFileError``, ``InterpreterError``.
        """
        self.name, self.min_score = _ASSET, min_score
        self._content, self._threads = read_asset(_ASSET), threads
        self._network = functools.lru_cache(_MOST_SIZES)(self._open)
        self._published = self._network(_SIZE, _SIZE)
        self._letterbox = Letterbox(1, 1, _SIZE)

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best first.

        Raises ``DetectorError`` where the image is empty or has a side of more than 32,766 pixels.
        """
        height, width = image.shape[:2]
        if (height, width) != self._letterbox.frame:
            self._letterbox = Letterbox(height, width, _SIZE)
        points, scores = self._published.run(self._letterbox.sample(image), self.min_score)
        return _faces(self._letterbox.to_frame(points / np.float32(_SIZE)), scores)

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Return the faces that ``window`` shows, see ``Detector``; raises ``DetectorError``."""
        check_size(*image.shape[:2])
        rows, columns = (-(-side // _STEP) * _STEP for side in (window.rows, window.columns))
        network = self._network(rows, columns)
        points, scores = network.run(network.fill(sample(image, window)), min_score)
        if window.mirrored and len(points):
            points[..., 0] = window.columns - 1 - points[..., 0]
            left, right = points[:, 1, 0].copy(), points[:, 0, 0].copy()
            points[:, 0, 0], points[:, 1, 0] = left, right
            points[:, 2:] = points[:, 2:][:, _MIRRORED]
        step = np.float32(window.width / window.columns), np.float32(window.height / window.rows)
        origin = np.float32(window.left), np.float32(window.top)
        return _faces(points * step + origin, scores)

    def _open(self, rows: int, columns: int) -> _Network:
        return _Network(self._content, rows, columns, self._threads)


class _Network:
    """BlazeFace for an input of ``rows`` × ``columns`` pixels."""

    def __init__(self, content: bytes, rows: int, columns: int, threads: int) -> None:
        shape = (1, rows, columns, 3)
        if (rows, columns) == (_SIZE, _SIZE):
            self.model = open_model(content, _ASSET, threads)
        else:
            self.model = open_model(_resized(content, rows, columns), _ASSET, threads, shape)
        self._centres = np.tile(anchors(rows, columns), 8)
        self._input = np.full(shape, -1, np.float32)

    def fill(self, bgr: Image) -> Floats:
        """``uint8[h, w, 3]`` BGR → the input, black below and to the right of it."""
        height, width = bgr.shape[:2]
        self._input.fill(-1)
        _normalise(bgr, self._input[0, :height, :width])
        return self._input

    def run(self, pixels: Floats, min_score: float) -> tuple[Floats, Sequence[float]]:
        """Return boxes' corners and key points ``float32[n, 8, 2]`` in pixels, and scores."""
        regressors, logits = self.model.run(pixels)
        # Few anchors pass, so that decoding only those costs next to nothing.
        found = np.flatnonzero(logits >= math.log(min_score / (1 - min_score)))
        if not found.size:
            return np.empty((0, 8, 2), np.float32), ()
        points = regressors[0].take(found, axis=0) @ _decoder()
        points += self._centres.take(found, axis=0)
        scores = [1 / (1 + math.exp(-logit)) for logit in logits.ravel().take(found).tolist()]
        return np.asarray(points.reshape(-1, 8, 2), np.float32), scores


def _faces(points: Floats, scores: Sequence[float]) -> Sequence[Face]:
    return weighted_nms(points, scores, _MAX_OVERLAP) if len(scores) else ()


def _resized(content: bytes, rows: int, columns: int) -> bytes:
    """The model for another input: the shapes of its outputs stand in the file as constants."""
    for step, count in _GRIDS:
        published, wanted = (
            count * (height // step) * (width // step)
            for height, width in ((_SIZE, _SIZE), (rows, columns))
        )
        for values in _VALUES:
            old, new = (struct.pack("<3i", 1, n, values) for n in (published, wanted))
            content = content.replace(old, new)
    return content


class Letterbox:
    """Fits frames of one size into the model's square, with a zero border.

    Pixel i of the square is read at i × scale of the frame, bilinearly, as MediaPipe's converter
    does (``image_to_tensor_converter_opencv.cc``): the corners' indices correspond, not the
    corners, which differs from ``cv2.resize`` by half a step.
    """

    def __init__(self, height: int, width: int, size: int) -> None:
        """Prepare for frames of ``height`` × ``width`` pixels and a square of ``size``."""
        check_size(height, width)
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
        self._inside = self._bgr[rows, columns]
        self._input = np.empty((1, size, size, 3), np.float32)

    def sample(self, image: Image) -> Floats:
        """``uint8[H, W, 3]`` BGR → ``float32[1, size, size, 3]`` RGB in -1…1.

        The result is overwritten by the next call.
        """
        height, width = self._inside.shape[:2]
        if height and width:  # a frame one pixel high may lie between two rows of the square
            cv2.warpAffine(image, self._map, (width, height), self._inside, self._flags)
        _normalise(self._bgr, self._input[0])
        return self._input

    def to_frame(self, points: Floats) -> Floats:
        """Map ``float32[n, k, 2]`` (x, y) from fractions of the square to pixels of the frame."""
        return np.asarray(points * self._side + self._offset, np.float32)


def _touching(origin: float, step: float, size: int, length: int) -> slice:
    """Which of the square's pixels read the frame on one axis."""
    positions = origin + step * np.arange(size)
    first, last = positions.searchsorted(-1, "right"), positions.searchsorted(length, "left")
    return slice(int(first), int(last))


def _normalise(bgr: Image, out: Floats) -> None:
    """``uint8[h, w, 3]`` BGR → ``out``, ``float32[h, w, 3]`` RGB in -1…1."""
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    if out.flags.c_contiguous:
        # One pass of x / 127.5 - 1 from uint8 to float32.
        cv2.addWeighted(rgb, 1 / 127.5, rgb, 0, -1, out, cv2.CV_32F)
    else:
        out[:] = cv2.addWeighted(rgb, 1 / 127.5, rgb, 0, -1, None, cv2.CV_32F)


@functools.cache
def anchors(rows: int, columns: int) -> Floats:
    """Centres of the anchors (x, y) in pixels of the input, ``float32[n, 2]``."""
    return np.concatenate(
        [_grid(rows // step, columns // step, step).repeat(count, axis=0) for step, count in _GRIDS]
    )


def _grid(rows: int, columns: int, step: int) -> Floats:
    x, y = ((np.arange(cells, dtype=np.float32) + 0.5) * step for cells in (columns, rows))
    return np.asarray(np.stack(np.meshgrid(x, y), axis=-1), np.float32).reshape(-1, 2)


@functools.cache
def _decoder() -> Floats:
    """What a regressor's row is multiplied with: decoding is linear. ``float32[16, 16]``.

    The row is a box's centre (x, y) and size (width, height), then six key points, centre and
    points relative to the anchor's centre. The product is top left, bottom right and key points,
    each relative to the same.
    """
    matrix = np.eye(16, dtype=np.float32)
    for axis in (0, 1):
        centre, extent = axis, 2 + axis
        matrix[centre, extent] = 1
        matrix[extent, [centre, extent]] = -0.5, 0.5
    return matrix


def weighted_nms(points: Floats, scores: Sequence[float], max_overlap: float) -> tuple[Face, ...]:
    """Merge detections of the same face: the blending of Bazarevsky et al. 2019, section 3.3.

    ``points`` is ``float32[n, 8, 2]``: a box's corners and six key points; ``scores`` are in 0…1.
    The best detection absorbs those whose box overlaps its own by more than ``max_overlap``
    (intersection over union): their points are averaged by score, its score stays. Then the best of
    the rest, and so on. Returns the m ≤ n faces, best first.
    """
    # The few that there are have been compared one by one before NumPy would have begun.
    left = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    boxes = [Box(*corners) for corners in points[:, :2].reshape(-1, 4).tolist()]
    groups = []
    while left:
        best, *others = left
        iou = boxes[best].iou
        group, left = [best], []
        for other in others:
            (group if iou(boxes[other]) > max_overlap else left).append(other)
        groups.append(group)
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


def _open(min_score: float, threads: int, model: Path) -> BlazeFace:
    del model  # its own comes with the package
    return BlazeFace(min_score, threads)


def _check(model: Path) -> str:
    del model
    return BlazeFace().name


ADAPTER = DetectorAdapter("blazeface", _open, _check)
