"""Our own runtime, as ``make run-edge`` runs it: one thread for each network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognizer import Recognizer
from edge.types import Frame, Outage
from edge.vision.classifier import load_classifier

_FPS = 30.0


class Adapter:
    """Frames as a camera's: one after the other, tracked."""

    live = True

    def __init__(self, model: str) -> None:
        """Open the recognizer and the classifier at ``model``; raises ``EdgeError``."""
        cv2.setNumThreads(1)
        self._classifier = load_classifier(Path(model))
        self._waiting: Sequence[NDArray[np.uint8]] = ()
        self._results = Recognizer(model).follow(self._frames())

    def stream(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[int]:
        """``uint8[H, W, 3]`` BGR, several → how many faces were found and named in each."""
        self._waiting = images
        for _, item in zip(images, self._results, strict=False):
            assert not isinstance(item, Outage), "memory has none"
            yield len(item[1].faces)

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows."""
        row = self._classifier.classify(face[np.newaxis, :, :, np.newaxis])[0]
        return self._classifier.labels[int(row.argmax())]

    def _frames(self) -> Iterator[Frame]:
        index = 0
        while True:
            for image in self._waiting:
                yield Frame(image, index, index / _FPS, "memory", live=self.live)
                index += 1


class FileAdapter(Adapter):
    """The same with the frames of a file: the next ones are analysed meanwhile."""

    live = False
