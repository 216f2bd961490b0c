"""An annotated photograph, .jpg or .png."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import cv2

from edge.adapters import SinkAdapter
from edge.errors import SinkError
from edge.protocols import BaseSink
from edge.settings import Recording
from edge.sinks import output
from edge.types import Frame, FrameResult, Image
from edge.vision.overlay import check_opencv

_LARGEST_JPEG, _LARGEST_PNG = 65_500, 1_000_000
"""Pixels of a side that OpenCV encodes."""


def check(path: Path) -> None:
    """Raise ``SinkError`` unless a run could draw and write a picture at ``path``."""
    check_opencv()
    output.check(path)


class PictureSink(BaseSink):
    """Writes a photograph to ``path``, which is there once it is whole.

    What stood there is numbered.
    """

    def __init__(self, path: Path, recording: Recording | None = None) -> None:
        """Name the file."""
        self._path, self._recording = path, recording or Recording()

    def __enter__(self) -> Self:
        """Check the path; raises ``SinkError``."""
        check(self._path)
        return self

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write ``frame.image``; raises ``SinkError``, also where it is no photograph."""
        if not frame.still:
            raise SinkError(
                f"{self._path}: expected a photograph to draw into, found a frame of a video or "
                f"a camera; choose {self._path.with_suffix('.mp4').name}"
            )
        data = self._encoded(frame.image)
        with output.writing(self._path):
            file = output.create_aside(self._path)
            try:
                output.write_all(file, data)
                output.publish(file, self._path, self._recording.keep)
            except OSError:
                output.discard(file, self._path)
                raise

    def _encoded(self, image: Image) -> bytes:
        suffix = self._path.suffix.lower()
        most = _LARGEST_PNG if suffix == ".png" else _LARGEST_JPEG
        if max(image.shape) > most:
            height, width = image.shape[:2]
            raise SinkError(
                f"{self._path}: expected at most {most} pixels a side, found {width}×{height}; "
                "choose .png, or make the photograph smaller"
            )
        return cv2.imencode(suffix, image)[1].tobytes()


ADAPTER = SinkAdapter(
    "picture",
    lambda path, _, settings: PictureSink(path, settings.recording),
    check,
    pictures=True,
    many="none",
)
