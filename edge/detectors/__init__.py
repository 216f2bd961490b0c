"""What finds faces."""

from __future__ import annotations

from typing import Literal

from edge.detectors.blazeface import BlazeFace
from edge.detectors.mediapipe_tasks import MediaPipeTasks
from edge.frames import Detector


def open_detector(
    name: Literal["blazeface", "mediapipe"], min_score: float = 0.5, threads: int = 1
) -> Detector:
    """Open the detector called ``name``; the MediaPipe package chooses its threads itself.

    Raises ``AssetError``, ``ModelFileError``, ``InterpreterError``, ``DetectorError``.
    """
    if name == "mediapipe":
        return MediaPipeTasks(min_score)
    return BlazeFace(min_score, threads)
