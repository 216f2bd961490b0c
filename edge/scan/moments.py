"""The strongest moments of a file: for each expression, when somebody showed it most clearly."""

from __future__ import annotations

import base64
from typing import NotRequired, TypedDict

import cv2
import numpy as np

from edge.types import FaceResult, Frame, FrameResult, Image

_MARGIN = 0.4
"""What a thumbnail shows around the face, in sides of its box."""
_SIDE = 96
"""Pixels."""
_QUALITY = 80


class Moment(TypedDict):
    """When an expression was strongest; ``jpeg`` is a thumbnail in base64."""

    label: str
    time: float
    score: float
    track: int | None
    box: list[float]
    jpeg: NotRequired[str]


class Moments:
    """Collects the moment of the highest probability for each label, where it is certain."""

    def __init__(self, thumbnails: bool) -> None:
        """``thumbnails`` says whether to keep a picture of each."""
        self._thumbnails = thumbnails
        self._found: dict[str, tuple[float, Moment]] = {}

    def add(self, frame: Frame, result: FrameResult) -> None:
        """Take one result."""
        for face in result.faces:
            shown = face.shown
            best = self._found.get(shown.label)
            if shown.certain and (best is None or shown.score > best[0]):
                self._found[shown.label] = shown.score, self._moment(frame, face)

    def best(self) -> list[Moment]:
        """Return one moment for each label that was seen, by time."""
        return sorted((moment for _, moment in self._found.values()), key=lambda m: m["time"])

    def _moment(self, frame: Frame, face: FaceResult) -> Moment:
        box = face.box
        moment = Moment(
            label=face.shown.label,
            time=round(frame.time, 3),
            score=round(face.shown.score, 4),
            track=face.track_id,
            box=[round(side, 1) for side in (box.left, box.top, box.right, box.bottom)],
        )
        if self._thumbnails and (jpeg := _thumbnail(frame.image, face)):
            moment["jpeg"] = jpeg
        return moment


def _thumbnail(image: Image, face: FaceResult) -> str:
    """Return the face with what is around it as a JPEG in base64; empty where it can't be cut."""
    box = face.box
    x, y = box.centre
    reach = (0.5 + _MARGIN) * max(box.width, box.height)
    top, bottom = (int(np.clip(v, 0, image.shape[0])) for v in (y - reach, y + reach))
    left, right = (int(np.clip(v, 0, image.shape[1])) for v in (x - reach, x + reach))
    cut = image[top:bottom, left:right]
    if not cut.size:
        return ""
    scale = _SIDE / max(cut.shape[:2])
    size = tuple(max(round(side * scale), 1) for side in cut.shape[1::-1])
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    return base64.b64encode(encoded.tobytes()).decode()
