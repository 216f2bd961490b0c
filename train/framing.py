"""How a detector's box relates to the square that a dataset's images show.

A network sees faces as its training images frame them, so the runtime must cut them that way. The
detector is run on the training images themselves, and its typical box is turned round.
"""

from __future__ import annotations

import logging

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import Framing
from edge.protocols import Detector

_SAMPLE = 1500
_BORDER = 1 / 3
"""Border added on each side as a part of the image: the detector expects room around a face."""
_ENLARGED = 320
"""Pixels of a side of the image with its border that the detector looks at."""
_LEAST_FOUND = 0.5
TIGHTER = 0.92
"""Of the side that follows from the training images: photographs of the world are named best in a
square of that size, in all of five sets of them, by 1.3 points in the mean."""
USUAL = Framing(scale=1.086, offset_x=-0.006, offset_y=-0.091)
"""What FER2013's images give."""
_log = logging.getLogger(__name__)


def derive_framing(
    images: NDArray[np.uint8], detector: Detector, tighter: float = TIGHTER
) -> tuple[Framing, float]:
    """Return the framing of ``images`` (``uint8[n, h, w, 1]`` grey) and the share with a face.

    Takes an evenly spaced sample and the medians of the boxes' sides and centres; the square is
    ``tighter`` than what these give: 1 for images that were cut out as the runtime cuts. Where too
    few images show a face it is ``USUAL``.
    """
    sample = images[:: max(len(images) // _SAMPLE, 1)]
    boxes = [box for image in sample if (box := _box(image[..., 0], detector)) is not None]
    found = len(boxes) / len(sample)
    if found < _LEAST_FOUND:
        _log.warning(
            "framing: expected a face in most training images, found one in %.0f%% of %d; faces "
            "will be cut out as for FER2013's images",
            *(100 * found, len(sample)),
        )
        return USUAL, found
    x, y, side = np.median(np.array(boxes), axis=0)
    return Framing(
        scale=round(float(tighter / side), 3),
        offset_x=round(float((0.5 - x) / side), 3),
        offset_y=round(float((0.5 - y) / side), 3),
    ), found


def _box(grey: NDArray[np.uint8], detector: Detector) -> tuple[float, float, float] | None:
    """Centre x, y and side of the best face as parts of the image, or nothing."""
    height, width = grey.shape
    y, x = round(height * _BORDER), round(width * _BORDER)
    wide = cv2.copyMakeBorder(grey, y, y, x, x, cv2.BORDER_REPLICATE)
    larger = _ENLARGED / wide.shape[0]
    large = cv2.resize(wide, None, fx=larger, fy=larger, interpolation=cv2.INTER_LINEAR)
    faces = detector.detect(np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8))
    if not faces:
        return None
    box = faces[0].box
    centre_x, centre_y = box.centre
    side = (box.width + box.height) / 2
    return (
        (centre_x / larger - x) / width,
        (centre_y / larger - y) / height,
        side / larger / width,
    )
