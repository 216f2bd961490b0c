"""Results as JSON lines: one object a frame."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from edge.errors import SinkError
from edge.files import replace_with
from edge.frames import Frame, FrameResult, Outage, Track
from edge.sinks.target import check_target


class JsonLinesSink:
    """Writes ``path``, which appears when the run ends; a frame without a face is a line too.

    A line has ``frame`` (index), ``image`` (the file's name, for a folder of images),
    ``captured_at`` (ISO 8601, UTC), ``monotonic_s``, ``tracks`` (each ``id``, ``box`` as left, top,
    right, bottom in pixels, ``label``, ``probabilities`` by label) and ``stage_ms``. The times of a
    file are those of its own clock, started with the run.
    """

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        """Name the file and the classifier's labels; nothing is opened yet."""
        self._path, self._labels = path, tuple(labels)
        self._stack = ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open a temporary file beside ``path``; raises ``SinkError``."""
        check_target(self._path)
        try:
            self._file = self._stack.enter_context(replace_with(self._path))
        except OSError as error:
            raise _failed(self._path, error) from error
        return self

    def __exit__(self, *problem: Any) -> None:
        """Put the file in its place, or remove it after an error; raises ``SinkError``."""
        try:
            self._stack.__exit__(*problem)
        except OSError as error:
            raise _failed(self._path, error) from error

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add one line; raises ``SinkError``."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(self._record(frame, result)).encode() + b"\n")
        except OSError as error:
            raise _failed(self._path, error) from error

    def lost(self, outage: Outage) -> None:
        """Write nothing: the times of the lines show the gap."""

    def _record(self, frame: Frame, result: FrameResult) -> dict[str, Any]:
        wall = time.time() - time.monotonic() + result.captured_at
        return {
            "frame": result.index,
            **({"image": frame.name} if frame.name else {}),
            "captured_at": datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds"),
            "monotonic_s": round(result.captured_at, 6),
            "tracks": [self._track(track) for track in result.tracks],
            "stage_ms": {name: round(ms, 3) for name, ms in result.stage_ms.items()},
        }

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


def _failed(path: Path, error: OSError) -> SinkError:
    return SinkError(
        f"{path}: expected a file that can be written, found {error.strerror or error}; "
        "choose another output"
    )
