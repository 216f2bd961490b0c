"""What sees: detectors by name, the classifier, crops, tracking and the overlay.

A new detector is a file beside this one with an ``ADAPTER``, and a line in ``DETECTORS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.adapters import DetectorAdapter
from edge.errors import SettingsError
from edge.protocols import Detector
from edge.settings import Settings
from edge.vision import blazeface, both, mediapipe, yunet

DETECTORS: Mapping[str, DetectorAdapter] = {
    "blazeface": blazeface.ADAPTER,
    "yunet": yunet.ADAPTER,
    "both": both.ADAPTER,
    "mediapipe": mediapipe.ADAPTER,
}


def find_detector(name: str) -> DetectorAdapter:
    """Return the adapter of that name; raises ``SettingsError`` where none is."""
    try:
        return DETECTORS[name]
    except KeyError:
        raise SettingsError(
            f"detector: expected {' or '.join(DETECTORS)}, found {name!r}; choose one of them"
        ) from None


def open_detector(
    name: str, min_score: float = 0.5, threads: int = 1, model: Path = Settings.detector_model
) -> Detector:
    """Open the detector of that name; raises ``SettingsError``, ``DetectorError``, ``AssetError``.

    Faces that score at least ``min_score`` (0…1) are found; ``threads`` are those of its network,
    ``model`` is the file of one that comes without.
    """
    return find_detector(name).open(min_score, threads, model)
