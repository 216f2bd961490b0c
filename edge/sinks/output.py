"""The place of an output: whether it can be written, and what stood there before."""

from __future__ import annotations

import errno
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
    """Raise ``SinkError`` unless a run could write ``path`` now; nothing is made or changed.

    Folders that are missing on the way to it will be made with the file.
    """
    with _refusing(path, "a file in a folder that can be written"):
        if path.exists() and not path.is_file():  # a pipe would wait for its reader
            raise FileExistsError(errno.EEXIST, "a folder, a pipe or a device of that name")
        check_target(path)
        for file in (path, aside_name(path)):
            _check_unlocked(file, path)
    _check_room(path, path.parent, disk_usage)


def check_folder(folder: Path) -> None:
    """Raise ``SinkError`` unless a run could write files in ``folder``; nothing is made."""
    with _refusing(folder, "a folder that can be written, or made"):
        check_target(folder / "_")
    _check_room(folder, folder, shutil.disk_usage)


def create(path: Path, keep: int = 0) -> FileIO:
    """Open a new file at ``path`` for this run alone; what stood there is numbered (``set_aside``).

    Missing folders are made. The file has no buffer, so that a killed process loses nothing. Raises
    ``OSError``, and ``SinkError`` where another run writes that file. The system frees the lock
    when the process ends.
    """
    _check_unlocked(path, path)
    _make_folder(path.parent)
    set_aside(path, keep)
    file = FileIO(path, "x")
    _lock(file)
    sync_folder(path.parent)
    return file


def create_aside(path: Path) -> FileIO:
    """Open a new hidden file, for this run alone, that ``publish`` puts at ``path``.

    What a killed run left there goes away. Raises ``OSError``, and ``SinkError`` where another run
    writes it.
    """
    hidden = aside_name(path)
    _check_unlocked(hidden, path)
    _make_folder(path.parent)
    hidden.unlink(missing_ok=True)
    file = FileIO(hidden, "x")
    _lock(file)
    return file


def publish(file: FileIO, path: Path, keep: int = 0) -> None:
    """Put ``file``, which is whole, at ``path`` and close it; what stood there is numbered.

    Raises ``OSError``.
    """
    with file:
        os.fsync(file.fileno())
        set_aside(path, keep)
        aside_name(path).rename(path)
        sync_folder(path.parent)


def discard(file: FileIO, path: Path) -> None:
    """Close ``file`` and remove it: it will never be ``path``."""
    file.close()
    aside_name(path).unlink(missing_ok=True)


def aside_name(path: Path) -> Path:
    """Return where what becomes ``path`` is written: "a.png" → ".a.png.part"."""
    return path.with_name(f".{path.name}.part")


def write_all(file: FileIO, data: bytes) -> None:
    """Write ``data``; raises ``OSError``, after a part of them where a disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


class Whole:
    """What a library writes to: takes all of the bytes or raises ``OSError``."""

    def __init__(self, file: FileIO) -> None:
        """Write to ``file``."""
        self.seek, self.tell, self.flush = file.seek, file.tell, file.flush
        self._file = file

    @property
    def closed(self) -> bool:
        """Whether the file is."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Write all of ``data``; return their number."""
        write_all(self._file, data)
        return len(data)


def set_aside(path: Path, keep: int = 0) -> None:
    """Rename what is at ``path``: "a.jsonl" to "a.part00001.jsonl", or to a number above all.

    So that nothing is overwritten. 1 is the oldest, and a number once given stays. Only the
    ``keep`` highest numbers are left then, 0 for all. Raises ``OSError``.
    """
    if not os.path.lexists(path):
        return
    pattern = rf"{re.escape(path.stem)}\.part([0-9]{{5,}}){re.escape(path.suffix)}"
    found = (re.fullmatch(pattern, other.name) for other in path.parent.iterdir())
    numbers = sorted(int(match[1]) for match in found if match)
    if path.is_file() and not path.stat().st_size:
        path.unlink()  # there is nothing to keep
    else:
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


@contextmanager
def _refusing(path: Path, expected: str) -> Iterator[None]:
    """Raise what the system says in the body as a ``TargetError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise TargetError(
            f"{path}: expected {expected}, found: {error.strerror or error}; choose another output"
        ) from error


def _check_room(path: Path, folder: Path, disk_usage: Callable[[Path], Any]) -> None:
    with writing(path):
        disk = disk_usage(next(each for each in (folder, *folder.parents) if each.exists()))
        if disk.total and disk.free < _ROOM:  # some file systems do not say
            raise OSError(errno.ENOSPC, "no room on the disk")


def _make_folder(folder: Path) -> None:
    """Make ``folder`` and what is missing above it, durably."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def _check_unlocked(file: Path, path: Path) -> None:
    """Raise ``SinkError`` about ``path`` where another run writes ``file``."""
    with suppress(OSError), FileIO(file) as opened:
        if not _lock(opened):
            raise SinkError(
                f"{path}: expected a file of this run alone, found that another run writes it; "
                "end that one, or choose another output"
            )


def lock_file(file: Path, whole: Path) -> FileIO:
    """Open ``file`` for this run alone, until it is closed; ``whole`` is what it guards.

    Raises ``OSError``, and ``SinkError`` where another run has it.
    """
    opened = FileIO(file, "a")
    if not _lock(opened):
        opened.close()
        raise SinkError(
            f"{whole}: expected a folder of this run alone, found that another run writes there; "
            "end that one, or choose another output"
        )
    return opened


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
