"""``what_the_face_classification``: a Haar cascade and a small convolutional network."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from what_the_face_classification.inference import Image_classifier


class _Noting(Image_classifier):
    """Notes whether a face was found: without one, it names the whole picture."""

    found = False

    def face_crop(self, image: Image.Image) -> tuple[Image.Image, bool]:
        image, self.found = super().face_crop(image)
        return image, self.found


class Adapter:
    """``predict``, which names the first face of a picture."""

    def __init__(self) -> None:
        """Open it."""
        self._classifier = _Noting()

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → 1 where a face was found and named."""
        self._classifier.predict(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
        return int(self._classifier.found)

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → what it shows, by the second half of ``predict``."""
        pixels = self._classifier.transform(Image.fromarray(face)).float()
        self._classifier.net.eval()
        with torch.no_grad():
            scores = self._classifier.net(pixels)
        return str(self._classifier.classes[int(scores.argmax())])
