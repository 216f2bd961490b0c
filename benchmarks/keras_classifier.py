"""The h5 behind the runtime's classifier interface, so that both are measured alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.types import Floats
from edge.vision.classifier import softmax

PREDICT, COMPILED = "h5, predict", "h5, compiled"
H5 = (PREDICT, COMPILED)
"""``model.predict``, and a call under ``tf.function``, which is the fairer baseline."""


class KerasClassifier:
    """A Keras model, called in three ways: raw grey ``uint8[n, h, w, 1]`` → ``float32[n, labels]``.

    ``threads`` holds for the whole process and must come before TensorFlow computes anything.
    """

    def __init__(self, path: Path, threads: int) -> None:
        """Open ``path``; raises ``ArtifactError``."""
        import tensorflow as tf  # noqa: PLC0415 - the names above are for everybody

        from train.artifact import load_model  # noqa: PLC0415
        from train.model import logits_model  # noqa: PLC0415

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._model, self._contract = load_model(path)
        self.runtime = f"tensorflow {tf.__version__}"
        self._logits = logits_model(self._model)
        shape = (None, self._contract.height, self._contract.width, self._contract.channels)
        self._function = tf.function(
            lambda pixels: self._model(pixels, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        """Return what ``model.predict`` gives."""
        return np.asarray(self._model.predict(crops.astype(np.float32), verbose=0), np.float32)

    def compiled(self, crops: NDArray[np.uint8]) -> Floats:
        """Return what a call under ``tf.function`` gives."""
        return np.asarray(self._function(crops.astype(np.float32)), np.float32)

    def calibrated(self, crops: NDArray[np.uint8]) -> Floats:
        """Return the probabilities with the contract's temperature, as the runtime's are."""
        logits = self._logits.predict(crops.astype(np.float32), verbose=0)
        return softmax(np.asarray(logits, np.float32) / np.float32(self._contract.temperature))
