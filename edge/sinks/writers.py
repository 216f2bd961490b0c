"""Records as lines, in a file and through a pipe.

A line of a file is written as soon as it is there, and the disk is made to keep it within a stated
time, so that neither a kill nor a power loss costs more than that. A file ends after a whole line.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Protocol

from edge.settings import Recording
from edge.sinks import output, pipe
from edge.sinks.table import Record


class Format(Protocol):
    """How records become lines; each file begins with ``header``."""

    header: bytes

    def line(self, record: Record) -> bytes:
        """Return what is written of ``record``, whole lines."""
        ...


class JsonLines:
    """A line of JSON for each record."""

    header = b""

    def line(self, record: Record) -> bytes:
        """Return the line."""
        return json.dumps(record).encode() + b"\n"


class Writer(Protocol):
    """What takes records. Every method raises ``SinkError``."""

    def open(self) -> None:
        """Find out whether it can be written; nothing is made."""
        ...

    def write(self, records: Sequence[Record]) -> None:
        """Write ``records``, which stay together; also called without any, as time passes."""
        ...

    def close(self) -> None:
        """Write what waits and close."""
        ...


def line_writer(path: Path, form: Format, recording: Recording | None = None) -> Writer:
    """Return what writes lines to ``path``, a file, a pipe or "-"."""
    return pipe.Pipe(path, form) if pipe.is_pipe(path) else LineFile(path, form, recording)


def check_lines(path: Path) -> None:
    """Raise ``SinkError`` unless a run could write lines to ``path``, a file, a pipe or "-"."""
    if not pipe.is_pipe(path):
        output.check(path)


class LineFile:
    """Lines in a file, which begins with the first record.

    What stood at ``path`` is numbered, and so is a file that a record would make longer than
    ``rotate_mb``. Another thread syncs the file every ``flush`` seconds, so that a slow disk does
    not hold up the run; with 0 each record is synced by itself.
    """

    def __init__(
        self,
        path: Path,
        form: Format,
        recording: Recording | None = None,
        create: Callable[[Path, int], FileIO] = output.create,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Name the file; ``create`` opens it, ``sync`` takes its descriptor."""
        self._path, self._form = path, form
        self._recording = recording or Recording()
        self._create, self._sync = create, sync
        self._file: FileIO | None = None
        self._size = self._synced = 0
        self._sync_due = 0.0
        self._thread = ThreadPoolExecutor(1, "sync")
        self._syncing: Future[None] | None = None

    def open(self) -> None:
        """Check the path."""
        output.check(self._path)

    def write(self, records: Sequence[Record]) -> None:
        """Add the lines of ``records`` and sync the file if that is due."""
        with output.writing(self._path):
            if records:
                self._add(b"".join(map(self._form.line, records)))
            if self._file:
                self._sync_if_due(self._file)

    def close(self) -> None:
        """Sync and close the file."""
        with output.writing(self._path), self._thread:
            self._end()

    def _add(self, lines: bytes) -> None:
        """Write ``lines`` whole, or nothing of them."""
        if self._file is None or self._size + len(lines) > self._recording.rotate_bytes:
            self._end()
            self._file = self._create(self._path, self._recording.keep)
            lines = self._form.header + lines
        try:
            output.write_all(self._file, lines)
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(lines)

    def _sync_if_due(self, file: FileIO) -> None:
        if self._synced == self._size:
            return
        if not self._recording.flush:
            self._sync(file.fileno())
            self._synced = self._size
        elif time.monotonic() >= self._sync_due:
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
