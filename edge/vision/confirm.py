"""A second look at what might be a face.

What one look says of a candidate is weak, and looks at other scales and at the mirror image err
differently. Their log-odds are added up until they suffice one way or the other: the sequential
test of Wald 1945, "Sequential Tests of Statistical Hypotheses".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edge.protocols import Detector, Window
from edge.types import Box, Face, Image

_LOOKS = ((96, 1.8, False), (96, 1.8, True), (128, 2.4, False), (128, 2.4, True))
"""The looks at a candidate: input pixels, side in sides of its box, and whether it is mirrored."""
REJECT = 0.0
"""The sum of log-odds below which a candidate is no face."""
_LEAST_SCORE = 0.05
"""What a look that finds nothing counts as."""
SAME = 0.3
"""Two boxes that overlap by more than this (intersection over union) are one face."""


def confirm(detector: Detector, image: Image, candidate: Face, needed: float) -> Face | None:
    """Look again at ``candidate``; return it as all looks show it, None where it is no face.

    ``needed`` are the log-odds that the looks must sum up to. The score is that of their mean.
    """
    seen, total = [candidate], log_odds(candidate.score)
    for count, (pixels, sides, mirrored) in enumerate(_LOOKS, 2):
        window = square_window(candidate.box, pixels, sides)._replace(mirrored=mirrored)
        again = detector.look(image, window, _LEAST_SCORE)
        same = max(again, key=lambda face: face.box.iou(candidate.box), default=None)
        if same and same.box.iou(candidate.box) > SAME:
            seen.append(same)
            total += log_odds(same.score)
        else:
            total += log_odds(_LEAST_SCORE)
        if total >= needed:
            score = 1 / (1 + math.exp(-total / count))
            return _mean_face(seen, score) if score >= detector.min_score else None
        if total < REJECT:
            return None
    return None


def log_odds(score: float) -> float:
    """Return the log-odds of a ``score``, 0…1."""
    score = min(max(score, _LEAST_SCORE), 0.999)
    return math.log(score / (1 - score))


def square_window(box: Box, pixels: int, sides: float) -> Window:
    """Return the square of ``sides`` times the box's around it, at ``pixels`` × ``pixels``."""
    (x, y), side = box.centre, max(box.width, box.height, 1.0) * sides
    return Window(x - side / 2, y - side / 2, side, side, pixels, pixels)


def _mean_face(faces: Sequence[Face], score: float) -> Face:
    boxes = np.array([(f.box.left, f.box.top, f.box.right, f.box.bottom) for f in faces])
    points = np.mean([face.key_points for face in faces], axis=0)
    return Face(Box(*boxes.mean(axis=0).tolist()), score, np.asarray(points, np.float32))
