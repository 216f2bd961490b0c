"""Faces cut out of whole photographs, as the runtime will cut them: train as you run."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import Framing
from edge.errors import SourceError
from edge.protocols import Detector
from edge.sources.images import read_image
from edge.vision.crops import crop_square, face_square
from edge.vision.search import FaceSearch, SearchOptions, find_faces
from train.archive import Source
from train.data import MAX_PIXELS, Split, square
from train.framing import USUAL

MOST_SIDE = 224
"""Pixels of a side of what is cut out; smaller faces keep their own."""
_MIN_FACE = 0.08
"""Of the picture's height: whoever is meant by a photograph's class is not far away."""
_TILE, _ROW, _EDGE = 64, 12, 2


@dataclasses.dataclass(slots=True)
class FaceCutter:
    """Cuts the largest face out of each photograph that it reads from ``source``.

    ``without`` has the photographs that show no face, or can't be read.
    """

    source: Source
    detector: Detector
    framing: Framing = USUAL
    without: set[str] = dataclasses.field(default_factory=set)

    def cut(self) -> Source:
        """Return the source of the cut-out faces; what it reads is empty where there is none."""
        return dataclasses.replace(self.source, read=self._read)

    def _read(self, name: str) -> bytes:
        content = self.source.read(name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "photograph")
            path.write_bytes(content)
            try:
                image = read_image(path, MAX_PIXELS)
            except SourceError:
                self.without.add(name)
                return b""
        search = FaceSearch(SearchOptions(_MIN_FACE), self.detector)
        faces = find_faces(self.detector, image, search.full(image))
        if not faces:
            self.without.add(name)
            return b""
        largest = max(faces, key=lambda face: face.box.width * face.box.height)
        place = face_square(largest, self.framing)
        side = int(np.clip(place.side, 16, MOST_SIDE))
        crop = crop_square(image, place, side, side)
        return cv2.imencode(Path(name).suffix, crop)[1].tobytes()


def contact_sheet(splits: Sequence[Split]) -> NDArray[np.uint8]:
    """Draw the first images of each class, a row each: ``uint8[h, w]`` grey."""
    classes = splits[0].classes
    sheet = np.full((len(classes) * (_TILE + _EDGE), _ROW * (_TILE + _EDGE)), 255, np.uint8)
    for row, _ in enumerate(classes):
        own = [image for split in splits for image in split.images[split.labels == row]]
        for column, image in enumerate(own[:_ROW]):
            top, left = row * (_TILE + _EDGE), column * (_TILE + _EDGE)
            sheet[top : top + _TILE, left : left + _TILE] = square(image[..., 0], _TILE)
    return sheet
