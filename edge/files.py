"""Writing files so that nothing half-written is ever seen: temporary file, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_DIGITS = 5
"""Of a numbered file at the least: files sort by it."""
_LAST_PROCESS = 4_194_303
"""The highest number of a process that Linux gives."""


def check_target(path: Path) -> None:
    """Raise ``OSError`` where no file could be put at ``path``; nothing is made or changed.

    For work that takes long: what can't be written at its end is better said at its beginning.
    """
    _refuse_folder(path)
    try:
        # What is missing of the way to the file will be made in this one.
        folder = next(parent for parent in path.parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
        with contextlib.suppress(FileNotFoundError):  # is there a name that is too long?
            _temporary(path, _LAST_PROCESS).lstat()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, with its suffix, that replaces it at the end.

    What was at ``path`` stays untouched when the body raises, and the temporary file goes away.
    It bears this process's number, so that two runs with the same output don't mix. One that a kill
    left is removed by the next writer of ``path``. Raises ``OSError`` where the folder can't be
    written, and before the body where ``path`` is a folder itself.
    """
    _refuse_folder(path)
    temporary = _temporary(path, os.getpid())
    for other in left_behind(path):
        other.unlink(missing_ok=True)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def replace_with(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that becomes ``path`` when the body ends without an error."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` with ``text`` in UTF-8."""
    with replace_with(path) as file:
        file.write(text.encode())


def _temporary(path: Path, process: int) -> Path:
    """Where ``process`` writes what becomes ``path``: the longest name that is made of it."""
    return path.with_name(f".{path.stem}.{process}.part{path.suffix}")


def free_bytes(folder: Path) -> float:
    """Return how much this user may still write there, infinite where the system doesn't say.

    Raises ``OSError``.
    """
    disk = shutil.disk_usage(folder)
    return disk.free if disk.total else math.inf


def numbered(path: Path, number: int) -> Path:
    """Return where an earlier file of ``path`` is kept: "a.jsonl", 1 → "a.part00001.jsonl"."""
    return path.with_name(f"{path.stem}.part{number:0{_DIGITS}}{path.suffix}")


def number_of(other: Path, path: Path) -> int | None:
    """Return the number that makes ``path`` into ``other``, None where none does."""
    pattern = rf"{re.escape(path.stem)}\.part([0-9]{{{_DIGITS},}}){re.escape(path.suffix)}"
    named = re.fullmatch(pattern, other.name) if other.parent == path.parent else None
    return int(named[1]) if named else None


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def left_behind(path: Path, alone: bool = False) -> list[Path]:
    """Return the temporary files of ``path`` whose processes are gone, the oldest first.

    All of them where this process is certainly ``alone`` with ``path``: after a start of the
    machine the number of a process that is gone may be that of another program.
    """
    pattern = re.compile(rf"\.{re.escape(path.stem)}\.(\d+)\.part{re.escape(path.suffix)}")
    left = []
    for other in path.parent.iterdir():
        named = pattern.fullmatch(other.name)
        if named and (alone or not _runs(int(named[1]))):
            with contextlib.suppress(FileNotFoundError):  # another writer has just removed it
                left.append((other.stat().st_mtime, other))
    return [other for _, other in sorted(left)]


def _runs(process: int) -> bool:
    """Whether another ``process`` may still run; elsewhere than on POSIX, signal 0 is a Ctrl-C.

    What bears our own number is of an earlier one: after a start of the machine they come again.
    """
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no number that we can ask about
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
