"""Lines through a pipe: standard output, a FIFO, a character device."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ReaderLeftError, SinkError
from edge.sinks.table import Record

if TYPE_CHECKING:
    from edge.sinks.writers import Format

STANDARD_OUTPUT = Path("-")
_WAIT = 5.0
"""Seconds that a FIFO may be without a reader at the beginning."""
_POLL = 0.05


def is_pipe(path: Path) -> bool:
    """Whether ``path`` is "-" for standard output, a FIFO or a character device."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return path == STANDARD_OUTPUT
    return path == STANDARD_OUTPUT or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


class Pipe:
    """Writes whole lines at once, to ``path`` or, for "-", to standard output.

    A reader that does not read holds up the run: that is what a pipe is. Nothing is numbered,
    locked or synced. ``wait`` is how many seconds a FIFO may be without a reader at the beginning.
    """

    def __init__(self, path: Path, form: Format, wait: float = _WAIT) -> None:
        """Name the pipe."""
        self._path, self._form, self._wait = path, form, wait
        self._handle: int | None = None
        self._began = False

    def open(self) -> None:
        """Open the pipe; raises ``SinkError``, also where a FIFO has no reader."""
        try:
            self._handle = _standard_output() if self._path == STANDARD_OUTPUT else self._opened()
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise SinkError(
                    f"{self._path}: expected a pipe or a device that can be written, found: "
                    f"{error.strerror or error}; choose another output"
                ) from error
            raise SinkError(
                f"{self._path}: expected a program that reads this pipe, found none for "
                f"{self._wait:g} s; start that one first"
            ) from error

    def write(self, records: Sequence[Record]) -> None:
        """Write the lines of ``records``; raises ``ReaderLeftError``, ``SinkError``."""
        if not records or self._handle is None:
            return
        lines = b"".join(map(self._form.line, records))
        try:
            _write_all(self._handle, lines if self._began else self._form.header + lines)
        except BrokenPipeError as error:
            raise ReaderLeftError(
                f"{self._path}: expected a program that reads it, found that it has ended; "
                "start both again"
            ) from error
        except OSError as error:
            raise SinkError(
                f"{self._path}: expected a pipe or a device that can be written, found: "
                f"{error.strerror or error}; choose another output"
            ) from error
        self._began = True

    def close(self) -> None:
        """Close the pipe, unless it is standard output."""
        handle, self._handle = self._handle, None
        if handle is not None and self._path != STANDARD_OUTPUT:
            os.close(handle)

    def _opened(self) -> int:
        """Open it without waiting in the system, where no signal would end that."""
        until = time.monotonic() + self._wait
        while True:
            try:
                handle = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            except OSError as error:
                if error.errno != errno.ENXIO or time.monotonic() >= until:
                    raise
                time.sleep(_POLL)
            else:
                os.set_blocking(handle, True)
                return handle


def _standard_output() -> int:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    sys.stdout.flush()
    return sys.stdout.fileno()


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(handle, rest) :]
        except BlockingIOError:  # whoever shares it has made it so
            select.select([], [handle], [])
