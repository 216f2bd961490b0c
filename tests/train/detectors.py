"""Stand-ins for the face detector, from which training derives the framing."""

from __future__ import annotations

import numpy as np

from edge.types import Box, Face


class WholeImage:
    """Takes the part of the frame inside its border of one third for the face."""

    name = "whole image"
    framing = "whole"

    def detect(self, image: np.ndarray) -> list[Face]:
        size = image.shape[0]
        box = Box(0.2 * size, 0.2 * size, 0.8 * size, 0.8 * size)
        return [Face(box, 0.9, np.zeros((6, 2), np.float32))]
