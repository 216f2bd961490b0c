"""A face and its mirror image show the same expression: asked about both, a network errs less."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def mirrored_probabilities(
    logits: Logits, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the probabilities ``float32[n, k]`` of ``images``, plain and averaged with mirrored.

    ``images`` are ``uint8[n, h, w, 1]``, of which ``logits`` gives ``float32[n, k]``.
    """
    plain, mirrored = (softmax(logits(view), axis=1) for view in (images, images[:, :, ::-1]))
    return plain, (plain + mirrored) / 2
