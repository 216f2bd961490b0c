"""The place of an output: can it be written, does another run write it, what stood there before."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge import files
from edge.errors import SinkError, TargetError

if sys.platform != "win32":
    import fcntl


def check_target(path: Path) -> None:
    """Raise ``TargetError`` unless ``path`` names a file in a folder that can be written."""
    hindrance = _hindrance(path)
    if hindrance:
        raise TargetError(
            f"{path}: expected a file in a folder that can be written, found {hindrance.found}; "
            f"choose {hindrance.instead}"
        )


class _Hindrance(NamedTuple):
    """What keeps a file from being written, and what to choose instead."""

    found: str
    instead: str = "another output"


def _hindrance(path: Path) -> _Hindrance | None:
    """What keeps a file from being written at ``path``; None where nothing does."""
    try:
        if not path.parent.is_dir():
            return _Hindrance("no such folder")
        if path.exists() and not (path.is_file() or path.is_dir()):
            return _Hindrance("a pipe or a device of that name")  # a pipe waits for its reader
        files.check_target(path)
    except OSError as error:
        return _meant(error)
    return None


def _meant(error: OSError) -> _Hindrance:
    if isinstance(error, IsADirectoryError):
        return _Hindrance("a folder of that name")
    if isinstance(error, PermissionError):
        return _Hindrance("that this user may not write there")
    if error.errno == errno.ENAMETOOLONG:
        return _Hindrance("that its name is too long, or what a run adds to it", "a shorter one")
    return _Hindrance(error.strerror or str(error))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise what the system says in the body as a ``SinkError`` about ``path``."""
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"{path}: expected a file that can be written, found {error.strerror or error}; "
            "make room, or choose another output"
        ) from error


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Keep other runs off ``path`` for the length of the body; yield whether that is certain.

    By an advisory lock on a hidden file beside it, which goes away at the end: ``path`` itself is
    renamed on the way. The system frees it when a process is killed. Raises ``SinkError`` before
    the body where ``path`` can't be written or another run has claimed it, and ``OSError``.
    """
    check_target(path)
    if sys.platform == "win32":  # it has no such locks, but refuses to rename what is open
        yield False
        return
    lock = path.with_name(f".{path.name}.lock")
    handle, locked = _lock(lock, path)
    try:
        yield locked
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(handle)


def _lock(lock: Path, path: Path) -> tuple[int, bool]:
    """Open ``lock`` and lock it, where the file system has locks.

    Once more where another run has just removed that very file.
    """
    while True:
        handle = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise SinkError(
                f"{path}: expected a file of this run alone, found that another run writes it; "
                "end that one, or choose another output"
            ) from error
        except OSError:  # a file system without locks
            return handle, False
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return handle, True
        os.close(handle)


def set_aside(path: Path, keep: int = 0) -> None:
    """Rename what is at ``path``: "a.jsonl" to "a.part00001.jsonl", or to a number above all.

    So that nothing is overwritten. 1 is the oldest, and a number once given stays. Only the
    ``keep`` highest numbers are left then, 0 for all. An empty file is left where it is. Raises
    ``OSError``.
    """
    others = (files.number_of(other, path) for other in path.parent.iterdir())
    numbers = [number for number in others if number is not None]
    if path.exists() and path.stat().st_size:
        numbers.append(max(numbers, default=0) + 1)
        path.rename(files.numbered(path, numbers[-1]))
    for number in sorted(numbers)[:-keep] if keep else ():
        files.numbered(path, number).unlink(missing_ok=True)
