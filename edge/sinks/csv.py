"""Results as comma-separated values (RFC 4180): a line a face."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from edge.frames import Frame, FrameResult, Track
from edge.pipeline import STAGES
from edge.sinks.records import wall_time

_FRAME = ("frame", "image", "captured_at")
_FACE = ("track", "left", "top", "right", "bottom", "label", "confidence")


class Csv:
    """A line for each face; a frame without one is a line whose columns of a face are empty.

    The columns: ``frame`` (index), ``image`` (the file's name, for a folder of images),
    ``captured_at`` (ISO 8601, UTC), ``track``, ``left``, ``top``, ``right``, ``bottom`` (pixels),
    ``label``, ``confidence`` (the label's probability; of "uncertain" the highest one), each
    label's probability, and each stage's milliseconds, which are the frame's.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the classifier's labels."""
        self._labels = tuple(labels)
        self.header = _lines([(*_FRAME, *_FACE, *labels, *(f"{stage}_ms" for stage in STAGES))])

    def record(self, frame: Frame, result: FrameResult) -> bytes:
        """Return the frame's lines."""
        seen = result.index, frame.name, wall_time(result.captured_at)
        nobody = ("",) * (len(_FACE) + len(self._labels))
        faces = [self._face(track) for track in result.tracks] or [nobody]
        stages = [f"{result.stage_ms.get(name, 0.0):.3f}" for name in STAGES]
        return _lines((*seen, *face, *stages) for face in faces)

    def _face(self, track: Track) -> tuple[object, ...]:
        box, values = track.box, (track.confidence(self._labels), *track.probabilities)
        sides = (f"{side:.2f}" for side in (box.left, box.top, box.right, box.bottom))
        rounded = (f"{value:.4f}" for value in values)
        return track.id, *sides, track.emotion, *rounded


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    # A file's name may hold bytes that are no UTF-8.
    return text.getvalue().encode(errors="backslashreplace")
