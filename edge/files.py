"""Writing files so that nothing half-written is ever seen: temporary file, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def check_target(path: Path) -> None:
    """Raise ``OSError`` where no file could be put at ``path``; nothing is made or changed.

    For work that takes long: what cannot be written at its end is better said at its beginning.
    """
    _refuse_folder(path)
    try:
        # What is missing of the way to the file will be made in this one.
        folder = next(parent for parent in path.parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
        with contextlib.suppress(FileNotFoundError):  # is there a name that is too long?
            _temporary(path).lstat()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, with its suffix, that replaces it at the end.

    What was at ``path`` stays untouched when the body raises, and the temporary file goes away. Its
    name bears this process's number, so that two runs with the same target do not mix. Raises
    ``OSError`` where the folder cannot be written, and before the body where ``path`` is a folder.
    """
    _refuse_folder(path)
    temporary = _temporary(path)
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


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(path: Path) -> Path:
    """Where this process writes what becomes ``path``: the longest name that is made of it."""
    return path.with_name(f".{path.stem}.{os.getpid():07}.part{path.suffix}")


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
