"""Makes faces unrecognisable in a picture."""

from __future__ import annotations

from collections.abc import Iterable

import cv2

from edge.settings import Hiding
from edge.types import Box, Image

_SIDE = 1.7
"""Of the square that is hidden, in sides of the face's box, which ends at brows and chin."""
_UP = 0.1
"""How much higher than the box's centre that of the square is, in sides: hair, more than neck."""
_MOSAIC = 6
"""Pixels a side that are left of what is blurred: it shows light and skin, and no person."""
_GREY = (72, 72, 72)


def hide(canvas: Image, boxes: Iterable[Box], how: Hiding) -> None:
    """Blur or blank the heads around ``boxes`` in ``canvas`` (``uint8[H, W, 3]`` BGR), in place."""
    height, width = canvas.shape[:2]
    for box in boxes if how != "off" else ():
        x, y = box.centre
        side = max(box.width, box.height)
        reach, y = side * _SIDE / 2, y - side * _UP
        left, right = max(int(x - reach), 0), min(int(x + reach) + 1, width)
        top, bottom = max(int(y - reach), 0), min(int(y + reach) + 1, height)
        if left >= right or top >= bottom:
            continue
        part = canvas[top:bottom, left:right]
        if how == "blank":
            part[:] = _GREY
        else:
            small = cv2.resize(part, (_MOSAIC, _MOSAIC), interpolation=cv2.INTER_AREA)
            size = right - left, bottom - top
            part[:] = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
