"""Files of records, a line or more a frame, that a power loss leaves readable.

A record is written as soon as it is there, and the disk is made to keep it within a stated time. A
file ends after a whole record, but for one that a power loss cut.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Protocol, Self

from edge.files import sync_folder
from edge.frames import Frame, FrameResult, Outage
from edge.settings import Recording
from edge.sinks.target import claimed, set_aside, writing


def append_to(path: Path) -> FileIO:
    """Open ``path`` for bytes at its end, without a buffer: a killed process loses nothing."""
    return FileIO(path, "ab")


def wall_time(captured_at: float) -> str:
    """Monotonic seconds → ISO 8601 in UTC, in milliseconds."""
    wall = time.time() - time.monotonic() + captured_at
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")


class Format(Protocol):
    """How a result becomes bytes."""

    header: bytes
    """What every file begins with."""

    def record(self, frame: Frame, result: FrameResult) -> bytes:
        """Return the line or lines of one frame, each with its end."""
        ...


class RecordSink:
    """Appends what ``form`` makes of each frame to ``path``.

    Each run begins a new file, and so does a record that would make it longer than ``rotate_mb``;
    what stood there is renamed (``set_aside``). A thread syncs the file every ``flush`` seconds, so
    that a slow disk doesn't hold up the loop; with 0 each record is synced before the next. A run
    without a frame leaves no file.
    """

    def __init__(
        self,
        path: Path,
        form: Format,
        recording: Recording | None = None,
        open_file: Callable[[Path], FileIO] = append_to,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Name the file; nothing is opened yet. ``sync`` takes a file descriptor."""
        self._recording = recording or Recording()
        self._path, self._form = path, form
        self._file = _RotatingFile(path, form.header, self._recording, open_file, sync)
        self._stack = ExitStack()
        self._closing = threading.Event()
        self._lost: OSError | None = None

    def __enter__(self) -> Self:
        """Claim the path and begin a file there; raises ``SinkError``."""
        with writing(self._path), ExitStack() as opened:
            opened.enter_context(claimed(self._path))
            opened.callback(self._file.end)
            self._file.begin()
            if self._recording.flush:
                syncing = threading.Thread(target=self._sync_regularly, daemon=True)
                syncing.start()
                opened.callback(syncing.join)
                opened.callback(self._closing.set)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Sync and close the file, whatever has ended the run; raises ``SinkError``."""
        with writing(self._path):
            self._stack.close()
            self._check()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Add one record; raises ``SinkError``."""
        record = self._form.record(frame, result)
        with writing(self._path):
            self._check()
            self._file.append(record)
            if not self._recording.flush:
                self._file.sync()

    def lost(self, outage: Outage) -> None:
        """Write nothing: the times of the records show the gap."""

    def _sync_regularly(self) -> None:
        while not self._closing.wait(self._recording.flush):
            try:
                self._file.sync()
            except OSError as error:
                self._lost = error
                return

    def _check(self) -> None:
        """Raise what the thread has met."""
        if self._lost:
            raise self._lost


class _RotatingFile:
    """Appends records to ``path``. One thread appends while another one may sync.

    Each method raises ``OSError``.
    """

    def __init__(
        self,
        path: Path,
        header: bytes,
        recording: Recording,
        open_file: Callable[[Path], FileIO],
        sync: Callable[[int], None],
    ) -> None:
        self._path, self._header = path, header
        self._limit = recording.rotate_bytes
        self._keep = recording.keep
        self._open, self._sync = open_file, sync
        self._file: FileIO | None = None
        self._size = 0
        self._synced = True
        self._lock = threading.RLock()

    def begin(self) -> None:
        """Set aside what is there, and open an empty file."""
        set_aside(self._path, self._keep)
        self._size = 0
        self._file = self._open(self._path)
        sync_folder(self._path.parent)

    def append(self, record: bytes) -> None:
        """Write ``record`` as a whole, or nothing of it."""
        if self._size and self._size + len(record) > self._limit:
            with self._lock:
                self.end()
                self.begin()
        self._write(record if self._size else self._header + record)

    def sync(self) -> None:
        """Return once all that was written before is on the disk."""
        with self._lock:
            if self._file is not None and not self._synced:
                # Before the call: what is written meanwhile waits for the next one.
                self._synced = True
                self._sync(self._file.fileno())

    def end(self) -> None:
        """Sync and close the file; remove it where it is empty."""
        if self._file is None:
            return
        try:
            self.sync()
        finally:
            self._file.close()
            self._file = None
        if not self._size:
            self._path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        assert self._file is not None, "it is open from begin to end"
        rest = memoryview(data)
        try:
            while rest:  # a disk that is nearly full takes a part
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(data)
        self._synced = False
