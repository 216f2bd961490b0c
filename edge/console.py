"""What every command does about its two streams, and what goes wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edge.errors import first_line

_stderr_lock = threading.RLock()


def command_name(path: str) -> str:
    """Return what a user calls the command at ``path``: "expressions", "edge" for its module."""
    script = Path(path)
    return script.parent.name if script.stem == "__main__" else script.stem


def complaint(problem: object) -> str:
    """Return what is to be said of ``problem`` as one line."""
    if isinstance(problem, OSError):
        name = problem.filename or "a file, or standard output"
        found = problem.strerror or first_line(problem)
        problem = (
            f"{name}: expected to use it, found: {found}; "
            "check the path, its permissions and the free space, or choose another"
        )
    return " ".join(str(problem).split())


def _scratch() -> IO[bytes]:
    """A nameless file, in memory where the system has such: a full disk has no place for others."""
    if hasattr(os, "memfd_create"):  # not every Python for Linux was built with it
        with contextlib.suppress(OSError):
            return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def held_back(beginnings: tuple[bytes, ...] = (b"",)) -> Iterator[list[str]]:
    """Keep lines that native code writes straight to file descriptor 2 off it.

    Those with one of ``beginnings``, so that by default it is all; they stand in the list that is
    yielded, once the body is left. The others are passed on then. Exceptions still pass.
    """
    kept: list[str] = []
    with _stderr_lock, _scratch() as captured:
        try:
            stderr = os.dup(2)
        except OSError:  # there is no stderr to keep quiet
            yield kept
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(captured.fileno(), 2)
        try:
            yield kept
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            for line in captured:
                if line.startswith(beginnings):
                    kept.append(line.decode(errors="replace").strip())
                else:
                    os.write(2, line)
