"""What the derived framing is worth: from a whole frame to the label, by the runtime's own code.

Validation images stand in larger frames at several sizes and places. The detector finds them, and
every framing cuts its crop from the same detections, so that only the framing differs. What a
framing wider than the image shows is the background, not hair and shoulders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks.robustness import Classify
from edge.contract import Framing
from edge.protocols import Detector
from edge.types import Image
from edge.vision.crops import Square, crop_square, face_square
from train.data import Split

SIDES = (96, 144, 200, 280)
"""Sides of the embedded image in pixels of the frame."""
IMAGE, EXACT = "image itself", "exact square"
"""The bounds: the image as it is, and the embedded one cut out exactly where it stands."""
_WIDTH, _HEIGHT = 640, 360
_SAMPLE = 1000
_FEWEST = 100
"""Faces that a share is given of."""
_BLUR = 61
"""Side in pixels of the box that averages the repeated border, so that it has no hard streaks."""
Grey = NDArray[np.uint8]


class FramingRow(Struct, frozen=True):
    """Of ``shown`` images of one side, how many are found, and their top-1 by framing.

    None for fewer than 100 faces.
    """

    side: str
    shown: int
    found: int
    top1: dict[str, float | None]


def measure(
    classify: Classify, derived: Framing, detector: Detector, split: Split
) -> list[FramingRow]:
    """Return a row for each side, and one over all."""
    count = len(split.labels)
    # A split is sorted by label, so that equal steps go through all classes.
    chosen = np.linspace(0, count - 1, min(count, _SAMPLE)).round().astype(np.int64)
    images, labels = split.images[chosen], split.labels[chosen]
    framings = {
        "bare box": Framing(),
        "derived": replace(derived, rotate=False),
        "derived, eyes levelled": replace(derived, rotate=True),
        "1.45 × box": Framing(scale=1.45),
    }
    right = {}
    for side in SIDES:
        crops = [
            crops_of(image, square, detector, framings)
            for image, square in zip(images, places(len(images), side), strict=True)
        ]
        right[str(side)] = _right(classify, labels, crops, (IMAGE, EXACT, *framings))
    rows = [_row(side, len(images), own) for side, own in right.items()]
    pooled = {
        name: np.concatenate([own[name] for own in right.values()])
        for name in (IMAGE, EXACT, *framings)
    }
    return [*rows, _row("all", len(images) * len(SIDES), pooled)]


def places(count: int, side: int) -> list[Square]:
    """Return ``count`` squares in whole pixels inside the frame, the same at each call."""
    random = np.random.default_rng((0, side))
    left = random.integers(0, _WIDTH - side, count, endpoint=True)
    top = random.integers(0, _HEIGHT - side, count, endpoint=True)
    half = side / 2
    return [Square(x + half, y + half, side) for x, y in zip(left, top, strict=True)]


def embedded(grey: Grey, square: Square) -> Image:
    """``uint8[h, w]`` in a frame ``uint8[360, 640, 3]`` that carries on its border, blurred."""
    side = round(square.side)
    left, top = round(square.x - side / 2), round(square.y - side / 2)
    # Cubic, because linear interpolation would blur the face before it is sampled again.
    large = cv2.resize(grey, (side, side), interpolation=cv2.INTER_CUBIC)
    around = (top, _HEIGHT - top - side, left, _WIDTH - left - side)
    wide = cv2.copyMakeBorder(large, *around, borderType=cv2.BORDER_REPLICATE)
    frame = cv2.blur(wide, (_BLUR, _BLUR), borderType=cv2.BORDER_REPLICATE)
    frame[top : top + side, left : left + side] = large
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), np.uint8)


def crops_of(
    image: Grey, square: Square, detector: Detector, framings: Mapping[str, Framing]
) -> dict[str, Grey]:
    """Return each framing's crop and the bounds, all as ``image`` (``uint8[h, w, 1]``), by name.

    Empty where the detector finds no face in the embedded image; of several, the best counts.
    """
    frame = embedded(image[..., 0], square)
    for face in detector.detect(frame):
        x, y = face.box.centre
        if max(abs(x - square.x), abs(y - square.y)) < square.side / 2:
            break
    else:
        return {}
    height, width = image.shape[:2]
    squares = {EXACT: square}
    squares |= {name: face_square(face, framing) for name, framing in framings.items()}
    crops = {name: crop_square(frame, each, height, width) for name, each in squares.items()}
    return {IMAGE: image} | {name: crop[..., np.newaxis] for name, crop in crops.items()}


def _right(
    classify: Classify,
    labels: NDArray[np.int64],
    crops: Sequence[Mapping[str, Grey]],
    names: Sequence[str],
) -> Mapping[str, NDArray[np.bool_]]:
    """By framing: whether each face that was found was named rightly, ``bool[found]``."""
    found = [index for index, own in enumerate(crops) if own]
    if not found:
        return {name: np.empty(0, bool) for name in names}
    return {
        name: classify(np.stack([crops[i][name] for i in found])).argmax(axis=1) == labels[found]
        for name in names
    }


def _row(side: str, shown: int, right: Mapping[str, NDArray[np.bool_]]) -> FramingRow:
    found = len(right[IMAGE])
    known = found >= _FEWEST
    top1 = {name: round(float(own.mean()), 6) if known else None for name, own in right.items()}
    return FramingRow(side, shown, found, top1)
