"""The h5 behind the runtime's own classifier interface, so that both are measured alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.subjects import PREDICT
from edge.frames import Floats
from train.artifact import load_model


class H5Classifier:
    """A Keras model as a classifier: by ``model.predict``, or by a call under ``tf.function``.

    ``threads`` holds for the whole process and must be given before TensorFlow computes anything.
    """

    def __init__(self, path: Path, kind: str, threads: int) -> None:
        """Open ``path``; raises ``ArtifactError``."""
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._model, self.contract = load_model(path)
        self.labels = self.contract.labels
        self.runtime = f"tensorflow {tf.__version__}"
        self._call = self._predict if kind == PREDICT else self._compiled
        shape = (None, self.contract.height, self.contract.width, self.contract.channels)
        self._function = tf.function(
            lambda pixels: self._model(pixels, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → probabilities ``float32[n, labels]``."""
        if not len(crops):
            return np.empty((0, len(self.labels)), np.float32)
        return self._call(crops.astype(np.float32))

    def _predict(self, pixels: NDArray[np.float32]) -> Floats:
        return np.asarray(self._model.predict(pixels, verbose=0), np.float32)

    def _compiled(self, pixels: NDArray[np.float32]) -> Floats:
        return np.asarray(self._function(pixels).numpy(), np.float32)
