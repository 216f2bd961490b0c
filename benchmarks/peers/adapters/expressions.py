"""Our own runtime, as ``make run-edge`` runs it: one thread for each network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import FPS, Memory
from edge.assembly import build_pipeline, look_ahead, open_crew
from edge.detectors.blazeface import BlazeFace
from edge.frames import Frame
from edge.interpreter import read_model_file
from edge.settings import Settings


class Adapter:
    """The loop with BlazeFace, and its classifier."""

    def __init__(self, model: str) -> None:
        """Open the detector and the classifier at ``model``; raises ``EdgeError``."""
        settings = Settings()
        self._classifier = open_crew(read_model_file(Path(model)), model, settings)
        self._detector = BlazeFace(settings.min_score, settings.threads)
        self._settings = settings
        self._pipeline = build_pipeline(self._detector, self._classifier, settings)
        self._shown = 0

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        result = self._pipeline.process(Frame(image, self._shown, self._shown / FPS))
        self._shown += 1
        return len(result.tracks)

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows."""
        row = self._classifier.classify(face[np.newaxis, :, :, np.newaxis])[0]
        return self._classifier.labels[int(row.argmax())]


class FileAdapter(Adapter):
    """The same, with the frames of a file: the next ones are looked at ahead."""

    def __init__(self, model: str) -> None:
        """Open as ``Adapter`` does."""
        super().__init__(model)
        self._memory = Memory()
        self._source, self._pipeline = look_ahead(
            self._memory, self._detector, self._classifier, self._settings
        )

    def stream(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[int]:
        """``uint8[H, W, 3]`` BGR, several → how many faces were found and named in each."""
        self._memory.images = images
        for frame in self._source:
            assert isinstance(frame, Frame), "memory has no outages"
            yield len(self._pipeline.process(frame).tracks)
