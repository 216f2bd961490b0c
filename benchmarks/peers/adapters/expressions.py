"""Our own runtime, as ``make run-edge`` runs it: one thread for each network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.assembly import build_pipeline
from edge.classifier import load_classifier
from edge.detectors.blazeface import BlazeFace
from edge.frames import Frame
from edge.settings import Settings

_FPS = 30


class Adapter:
    """The loop with BlazeFace, and its classifier."""

    def __init__(self, model: str) -> None:
        """Open the detector and the classifier at ``model``; raises ``EdgeError``."""
        settings = Settings()
        self._classifier = load_classifier(Path(model), settings.threads)
        detector = BlazeFace(settings.min_score, settings.threads)
        self._pipeline = build_pipeline(detector, self._classifier, settings)
        self._shown = 0

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        result = self._pipeline.process(Frame(image, self._shown, self._shown / _FPS))
        self._shown += 1
        return len(result.tracks)

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows."""
        row = self._classifier.classify(face[np.newaxis, :, :, np.newaxis])[0]
        return self._classifier.labels[int(row.argmax())]
