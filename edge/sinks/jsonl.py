"""Results as JSON lines: one object a frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edge.frames import Frame, FrameResult, Track
from edge.sinks.records import wall_time


class JsonLines:
    """A line for each frame, also for one without a face.

    A line has ``frame`` (index), ``image`` (the file's name, for a folder of images),
    ``captured_at`` (ISO 8601, UTC), ``monotonic_s``, ``tracks`` (each ``id``, ``box`` as left, top,
    right, bottom in pixels, ``label``, ``probabilities`` by label) and ``stage_ms``. The times of a
    file are those of its own clock, started with the run.
    """

    header = b""

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the classifier's labels."""
        self._labels = tuple(labels)

    def record(self, frame: Frame, result: FrameResult) -> bytes:
        """Return the line."""
        content = {
            "frame": result.index,
            **({"image": frame.name} if frame.name else {}),
            "captured_at": wall_time(result.captured_at),
            "monotonic_s": round(result.captured_at, 6),
            "tracks": [self._track(track) for track in result.tracks],
            "stage_ms": {name: round(ms, 3) for name, ms in result.stage_ms.items()},
        }
        return json.dumps(content).encode() + b"\n"

    def _track(self, track: Track) -> dict[str, Any]:
        box = track.box
        return {
            "id": track.id,
            "box": [round(side, 2) for side in (box.left, box.top, box.right, box.bottom)],
            "label": track.emotion,
            "probabilities": {
                label: round(float(value), 4)
                for label, value in zip(self._labels, track.probabilities, strict=True)
            },
        }
