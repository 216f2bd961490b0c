"""Draws the results of one source into its frames, one after the other."""

from __future__ import annotations

import numpy as np

from edge.settings import ALL, Hiding
from edge.types import Box, Frame, FrameResult, Image, Outage
from edge.vision.overlay import Parts, check_opencv, draw, draw_outage
from edge.vision.placement import Placement

_REMEMBERED = 0.5
"""Seconds for which a face that is not found any more stays hidden: one may be missed in a frame,
and is still there."""
_COVERED = 0.5
"""The overlap (IoU) from which on what hides one place of a face hides an earlier one as well."""
_NO_PICTURE = (640, 360)
"""Size of a picture of an outage before the first frame."""


class Painter:
    """What is drawn of each source alike; belongs to one thread.

    ``overlay`` says what is drawn, ``hide_faces`` what becomes of the faces below it.
    """

    def __init__(self, overlay: Parts = ALL, hide_faces: Hiding = "off") -> None:
        """Raise ``SinkError`` where OpenCV is too old to draw."""
        check_opencv()
        self._overlay, self._hide = overlay, hide_faces
        self._placement = Placement()
        self._size = _NO_PICTURE
        self._known: list[tuple[float, Box]] = []
        """When a face was seen, and where; the newest first."""

    def paint(self, frame: Frame, result: FrameResult, status: str = "") -> Image:
        """Return a copy of ``frame.image`` with ``result`` in it, ``status`` in a corner."""
        canvas = frame.image.copy()
        self._size = canvas.shape[1], canvas.shape[0]
        boxes = self._hidden(frame, result) if self._hide != "off" else ()
        draw(canvas, result, status, self._placement, self._overlay, self._hide, boxes)
        return canvas

    def skip(self, result: FrameResult) -> None:
        """Remember the faces of a frame that is not painted: they stay hidden in the next ones."""
        if self._hide != "off":
            self._known[:0] = [(result.time, face.box) for face in result.faces]

    def outage(self, outage: Outage) -> Image:
        """Return a dark picture of the last frame's size that says what is wrong."""
        return np.asarray(draw_outage(self._size, outage), np.uint8)

    def _hidden(self, frame: Frame, result: FrameResult) -> list[Box]:
        """Return where faces are or were a moment ago."""
        now = [(frame.time, face.box) for face in result.faces]
        for at, box in () if frame.still else self._known:
            new = all(box.iou(newer) < _COVERED for _, newer in now)
            if new and 0 < frame.time - at <= _REMEMBERED:
                now.append((at, box))
        self._known = now
        return [box for _, box in now]
