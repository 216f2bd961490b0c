"""BlazeFace and YuNet together: what one finds the other confirms.

BlazeFace looks at whole frames and tiles, YuNet at windows of one face. Their errors differ, so
that more small faces are found, at the price of BlazeFace alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.adapters import DetectorAdapter
from edge.protocols import Window
from edge.types import Box, Face, Image
from edge.vision.blazeface import BlazeFace
from edge.vision.yunet import YuNet

_ONE_FACE = 128
"""Windows up to this many pixels show one face."""
_SIDE, _RIGHT, _DOWN = 0.946, 0.008, 0.102
"""A box of YuNet's as BlazeFace would draw it: its side, and how its centre moves, in sides of
YuNet's. From the two framings of the shipped models, which lead to the same square."""


class Both:
    """Finds faces with BlazeFace and looks again with YuNet; belongs to one thread."""

    framing = BlazeFace.framing
    input_px = BlazeFace.input_px
    least_px = BlazeFace.least_px

    def __init__(self, path: Path, min_score: float = 0.5, threads: int = 1) -> None:
        """Open both, YuNet's file at ``path``; faces that score ``min_score`` (0…1) are found.

        Raises ``DetectorError``, ``AssetError``, ``ModelFileError``, ``InterpreterError``.
        """
        self._blazeface, self._yunet = BlazeFace(min_score, threads), YuNet(path, min_score)
        self.name = f"{self._blazeface.name} and {self._yunet.name}"
        self.min_score = min_score

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces that BlazeFace finds in ``image`` (``uint8[H, W, 3]`` BGR)."""
        return self._blazeface.detect(image)

    def look(self, image: Image, window: Window, min_score: float) -> Sequence[Face]:
        """Return the faces that ``window`` shows, see ``Detector``; raises ``DetectorError``."""
        if max(window.rows, window.columns) > _ONE_FACE:
            return self._blazeface.look(image, window, min_score)
        return [_as_blazeface(face) for face in self._yunet.look(image, window, min_score)]


def _as_blazeface(face: Face) -> Face:
    (x, y), side = face.box.centre, (face.box.width + face.box.height) / 2
    x, y, half = x + _RIGHT * side, y + _DOWN * side, _SIDE * side / 2
    return replace(face, box=Box(x - half, y - half, x + half, y + half))


def _open(min_score: float, threads: int, model: Path) -> Both:
    return Both(model, min_score, threads)


ADAPTER = DetectorAdapter("both", _open, lambda model: Both(model).name, needs_file=True)
