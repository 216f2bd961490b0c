"""The representative dataset that sets the ranges of the int8 activations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.data import Split, shuffled_by_class

PER_CLASS = 64


def representative_sample(train: Split) -> NDArray[np.uint8]:
    """Return the images that calibrate, ``uint8[n, side, side, 1]``, always the same ones.

    From the training split alone. For each class the ``PER_CLASS`` images whose file names have the
    smallest SHA-256: of one archive always the same, whatever the order on disk. Where they do not
    reach from 0 to 255, two corners of the first one do, so that the input's quantisation is exact
    (scale 1, zero point 0).
    """
    chosen = np.concatenate([own[:PER_CLASS] for own in shuffled_by_class(train)])
    sample: NDArray[np.uint8] = train.images[chosen]
    if (sample.min(), sample.max()) != (0, 255):
        sample[0, 0, 0], sample[0, -1, -1] = 0, 255
    return sample
