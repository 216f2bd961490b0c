"""``facex``: a Haar cascade, and a network for 200×200 pixels as a TFLite file."""

from __future__ import annotations

import numpy as np
from facex.core import PoolManager
from numpy.typing import NDArray


class Adapter:
    """A pool of one classifier: the five that it has by default serve callers at once."""

    def __init__(self) -> None:
        """Open it."""
        self._pool = PoolManager(pool_size=1)

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        return len(self._pool.predict(image))

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows."""
        classifier = self._pool.get_classifier()
        scores: dict[str, float] = classifier.detect_emotion(face)
        self._pool.release_classifier(classifier)
        return max(scores, key=scores.__getitem__)
