"""The place of an output: whether it can be written, and what stood there before."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from edge.errors import SinkError, TargetError
from edge.files import check_target, sync_folder

if sys.platform != "win32":
    import fcntl

_ROOM = 1e6
"""Bytes that a disk must have left to begin an output."""


def check(path: Path, disk_usage: Callable[[Path], Any] = shutil.disk_usage) -> None:
    """Raise ``SinkError`` unless a run could write ``path`` now; nothing is made or changed."""
    try:
        found = ""
        if not path.parent.is_dir():
            found = "no such folder"
        elif path.exists() and not path.is_file():  # a pipe would wait for its reader
            found = "a folder, a pipe or a device of that name"
        else:
            check_target(path)
            _check_unlocked(path)
            disk = disk_usage(path.parent)
            if disk.total and disk.free < _ROOM:  # some file systems do not say
                found = "no room on the disk"
    except OSError as error:
        found = error.strerror or str(error)
    if found:
        raise TargetError(
            f"{path}: expected a file in a folder that can be written, found: {found}; "
            "choose another output"
        )


def create(path: Path, keep: int = 0) -> FileIO:
    """Open a new file at ``path`` for this run alone; what stood there is numbered (``set_aside``).

    It has no buffer, so that a killed process loses nothing. Raises ``OSError``, and ``SinkError``
    where another run writes that file. The system frees the lock when the process ends.
    """
    _check_unlocked(path)
    set_aside(path, keep)
    file = FileIO(path, "x")
    _lock(file)
    sync_folder(path.parent)
    return file


def write_all(file: FileIO, data: bytes) -> None:
    """Write ``data``; raises ``OSError``, after a part of them where a disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def set_aside(path: Path, keep: int = 0) -> None:
    """Rename what is at ``path``: "a.jsonl" to "a.part00001.jsonl", or to a number above all.

    So that nothing is overwritten. 1 is the oldest, and a number once given stays. Only the
    ``keep`` highest numbers are left then, 0 for all. Raises ``OSError``.
    """
    pattern = rf"{re.escape(path.stem)}\.part([0-9]{{5,}}){re.escape(path.suffix)}"
    found = (re.fullmatch(pattern, other.name) for other in path.parent.iterdir())
    numbers = sorted(int(match[1]) for match in found if match)
    if path.is_file() and not path.stat().st_size:
        path.unlink()  # there is nothing to keep
    elif os.path.lexists(path):
        numbers.append(max(numbers, default=0) + 1)
        path.rename(numbered(path, numbers[-1]))
    for number in numbers[:-keep] if keep else ():
        numbered(path, number).unlink(missing_ok=True)


def numbered(path: Path, number: int) -> Path:
    """Return where an earlier file of ``path`` is kept: "a.jsonl", 1 → "a.part00001.jsonl"."""
    return path.with_name(f"{path.stem}.part{number:05}{path.suffix}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise what the system says in the body as a ``SinkError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"{path}: expected a file that can be written, found: {error.strerror or error}; "
            "make room, or choose another output"
        ) from error


def _check_unlocked(path: Path) -> None:
    with suppress(OSError), FileIO(path) as file:
        if not _lock(file):
            raise SinkError(
                f"{path}: expected a file of this run alone, found that another run writes it; "
                "end that one, or choose another output"
            )


def _lock(file: FileIO) -> bool:
    """Whether no other run has ``file``: an advisory lock, where the file system has such."""
    if sys.platform == "win32":  # it refuses to rename what is open
        return True
    with suppress(OSError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
