"""``facial_emotion_recognition``: MTCNN and a small convolutional network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from facial_emotion_recognition import EmotionRecognition
from numpy.typing import NDArray


def _to_memory(storage: Any, place: str) -> Any:
    """Leave in memory what was saved on a GPU, which the package demands even for the CPU."""
    return storage if place.startswith("cuda") else None


_BEFORE_CUDA = 15
torch.serialization.register_package(_BEFORE_CUDA, lambda _: None, _to_memory)


class _Noting(EmotionRecognition):
    """Counts the faces that are named: the answer is a picture with them drawn in."""

    named = 0

    def _predict(self, image: NDArray[np.uint8]) -> str:
        self.named += 1
        return str(super()._predict(image))


class Adapter:
    """``recognise_emotion``, drawing included, for it has nothing without."""

    def __init__(self) -> None:
        """Open it."""
        self._recogniser = _Noting(device="cpu")

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        self._recogniser.named = 0
        self._recogniser.recognise_emotion(image)
        return self._recogniser.named

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows."""
        return self._recogniser._predict(face)
