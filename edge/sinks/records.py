"""Results as lines of a file: one of JSON a frame, or one of comma-separated values a face.

A line is written as soon as it is there, and the disk is made to keep it within a stated time, so
that neither a kill nor a power loss costs more than that. A file ends after a whole line.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Self

from edge.settings import Recording, Settings
from edge.sinks import output
from edge.types import BaseSink, Frame, FrameResult, Outage, SinkAdapter

_STAGES = ("detect", "crop", "classify", "track")
_BOX = ("left", "top", "right", "bottom")
_EXPRESSION = ("label", "score", "certain")


def json_line(result: FrameResult) -> bytes:
    """Return ``result.to_dict()`` as a line of JSON."""
    return json.dumps(result.to_dict()).encode() + b"\n"


class Table:
    """Comma-separated values (RFC 4180): a line for each face, a frame without one has one too.

    ``label``, ``score``, ``certain`` and ``p_…`` are what the frame alone shows, ``smoothed_…`` is
    the same over time. Values are those of ``FrameResult.to_dict()``; ``labels`` are the model's.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Name the columns; ``header`` is their line."""
        self._columns = (
            *("source", "time", "frame", "wall_time", "track", *_BOX, "detection_score"),
            *(*_EXPRESSION, *(f"p_{label}" for label in labels)),
            *(f"smoothed_{name}" for name in (*_EXPRESSION, *labels)),
            *(f"{stage}_ms" for stage in _STAGES),
        )
        self.header = self._encoded([dict(zip(self._columns, self._columns, strict=True))])

    def lines(self, result: FrameResult) -> bytes:
        """Return the frame's lines."""
        return self._encoded(_rows(result.to_dict()))

    def _encoded(self, rows: Iterator[dict[str, Any]] | list[dict[str, str]]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self._columns, extrasaction="ignore").writerows(rows)
        return text.getvalue().encode(errors="backslashreplace")  # a file's name may be no UTF-8


def _rows(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a line's cells by column for each face of what ``to_dict`` gives."""
    frame = {**content, **{f"{stage}_ms": ms for stage, ms in content["stage_ms"].items()}}
    if not content["faces"]:
        yield frame
    for face in content["faces"]:
        row = {**frame, **face, **dict(zip(_BOX, face["box"], strict=True))}
        row |= {f"p_{label}": p for label, p in face["probabilities"].items()}
        if smoothed := face.get("smoothed"):
            row |= {f"smoothed_{name}": smoothed[name] for name in _EXPRESSION}
            row |= {f"smoothed_{label}": p for label, p in smoothed["probabilities"].items()}
        yield row


class RecordSink(BaseSink):
    """Writes what ``lines`` makes of each frame to ``path``, which begins with the first one.

    Each file begins with ``header``. What stood at ``path`` is numbered, and so is a file that a
    line would make longer than ``rotate_mb``. Another thread syncs the file every ``flush``
    seconds, so that a slow disk does not hold up the run; with 0 each line is synced by itself.
    """

    def __init__(
        self,
        path: Path,
        lines: Callable[[FrameResult], bytes],
        header: bytes = b"",
        recording: Recording | None = None,
        create: Callable[[Path, int], FileIO] = output.create,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Name the file; ``create`` opens it, ``sync`` takes its descriptor."""
        self._path, self._lines, self._header = path, lines, header
        self._recording = recording or Recording()
        self._create, self._sync = create, sync
        self._file: FileIO | None = None
        self._size = self._synced = 0
        self._sync_due = 0.0
        self._thread = ThreadPoolExecutor(1, "sync")
        self._syncing: Future[None] | None = None

    def __enter__(self) -> Self:
        """Check the path; raises ``SinkError``."""
        output.check(self._path)
        return self

    def __exit__(self, *problem: object) -> None:
        """Sync and close the file; raises ``SinkError``."""
        with output.writing(self._path), self._thread:
            self._end()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add the lines of one frame; raises ``SinkError``."""
        lines = self._lines(result)
        with output.writing(self._path):
            if self._file is None or self._size + len(lines) > self._recording.rotate_bytes:
                self._end()
                self._file = self._create(self._path, self._recording.keep)
                lines = self._header + lines
            self._append(self._file, lines)
            self._sync_if_due(self._file)

    def lost(self, outage: Outage) -> None:
        """Sync what was written last; raises ``SinkError``."""
        with output.writing(self._path):
            if self._file:
                self._sync_if_due(self._file)

    def _append(self, file: FileIO, lines: bytes) -> None:
        """Write ``lines`` whole, or nothing of them."""
        try:
            output.write_all(file, lines)
        except OSError:
            with suppress(OSError):
                file.truncate(self._size)
            raise
        self._size += len(lines)

    def _sync_if_due(self, file: FileIO) -> None:
        if not self._recording.flush:
            self._sync(file.fileno())
        elif self._synced < self._size and time.monotonic() >= self._sync_due:
            if self._syncing:
                if not self._syncing.done():
                    return
                self._syncing.result()
            self._sync_due = time.monotonic() + self._recording.flush
            self._synced = self._size
            self._syncing = self._thread.submit(self._sync, file.fileno())

    def _end(self) -> None:
        """Sync and close the file, if there is one; remove it where it is empty."""
        file, size = self._file, self._size
        self._file, self._size, self._synced = None, 0, 0
        if file is None:
            return
        with file:
            if self._syncing:
                self._syncing.result()
            self._sync(file.fileno())
        if not size:
            self._path.unlink()


def _open_csv(path: Path, labels: Sequence[str], settings: Settings) -> RecordSink:
    table = Table(labels)
    return RecordSink(path, table.lines, table.header, settings.recording)


JSON_LINES = SinkAdapter(
    "records",
    lambda path, _, settings: RecordSink(path, json_line, recording=settings.recording),
    output.check,
)
CSV = SinkAdapter("records", _open_csv, output.check)
