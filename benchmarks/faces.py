"""Faces to classify while it is timed: real ones, cut as the runtime cuts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import ModelContract
from edge.crops import crop_faces
from edge.detectors.blazeface import BlazeFace
from edge.sources.demo import DemoSource, load_portraits
from train.data import IMAGE_SIZE, LABELS, load_split
from train.errors import DatasetError

_COUNT = 256
_DEMO_FACES = 2
DATA_SET, PORTRAITS = "the validation images", "the demo's portraits"


def real_faces(images: Path) -> tuple[NDArray[np.uint8], str]:
    """Return ``uint8[256, 48, 48, 1]`` grey faces and what they are of.

    Evenly spread over the validation split where it is under ``images``, else of the portraits of
    the demo, through the runtime's own detector and crop. Raises ``AssetError``.
    """
    try:
        split = load_split(images, "validation")
    except DatasetError:
        return _portraits(), PORTRAITS
    return split.images[np.arange(_COUNT) * len(split.images) // _COUNT], DATA_SET


def _portraits() -> NDArray[np.uint8]:
    contract = ModelContract(labels=LABELS, height=IMAGE_SIZE, width=IMAGE_SIZE, channels=1)
    detector = BlazeFace()
    frames = _COUNT // _DEMO_FACES
    with DemoSource(load_portraits(), frames=frames, faces=_DEMO_FACES) as demo:
        crops = [crop_faces(frame.image, detector.detect(frame.image), contract) for frame in demo]
    return np.concatenate(crops)
