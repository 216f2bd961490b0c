"""Stand-ins for classifiers, handed in as arguments."""

from __future__ import annotations

import numpy as np

from edge.frames import Floats
from train.data import LABELS


class Bars:
    """Knows the class of the bright bars of the shared test data by the brightest band."""

    def classify(self, crops: np.ndarray) -> Floats:
        bands = crops[:, : 6 * len(LABELS), :, 0].reshape(len(crops), len(LABELS), -1)
        return bands.mean(axis=2, dtype=np.float32)
