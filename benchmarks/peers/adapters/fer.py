"""``fer``: a Haar cascade or MTCNN, and mini-XCEPTION as a TFLite file."""

from __future__ import annotations

import tempfile

import numpy as np
from numpy.typing import NDArray


class Adapter:
    """``detect_emotions`` with the package's own settings."""

    def __init__(self, detector: str) -> None:
        """Open it with the ``detector`` "haar" or "mtcnn"."""
        if detector == "mtcnn":
            # TensorFlow and torch's compiler each bring an LLVM: the other way round they crash.
            import facenet_pytorch  # noqa: F401, PLC0415
        from fer.fer import FER  # noqa: PLC0415

        self._fer = FER(mtcnn=detector == "mtcnn")
        # It widens every box by ten pixels. A face of the data set is the whole image already.
        self._whole = FER(offsets=(0, 0))

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        return len(self._fer.detect_emotions(image))

    def video(self, path: str) -> int:
        """Analyse the video at ``path`` and write none; return the number of its frames."""
        from fer.classes import Video  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder:
            video = Video(path, outdir=folder)
            saved = ("save_frames", "save_video", "annotate_frames", "zip_images")
            video.analyze(self._fer, output="pandas", **dict.fromkeys(saved, False))
        return int(video.frameCount)

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → the first of its greatest scores (it rounds them to 1 %)."""
        height, width = face.shape
        image = np.repeat(face[:, :, np.newaxis], 3, axis=2)
        (found,) = self._whole.detect_emotions(image, [(0, 0, width, height)])
        scores: dict[str, float] = found["emotions"]
        return max(scores, key=scores.__getitem__)
