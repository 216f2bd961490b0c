"""What every command does about Ctrl-C, its two streams, and what goes wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edge.errors import first_line

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""
_stderr_lock = threading.RLock()


def starting() -> None:
    """Let Ctrl-C end the process without a word while the rest of it is imported.

    Before that, Python answers with a traceback of the imports. Ctrl-C that the caller has switched
    off, as for a job in the background, stays off.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def starting_edge() -> None:
    """Be as ``starting``, and let what ends a run end it with exit code 0 before it has begun.

    Nothing is open then, and nothing lost. The run takes the signals itself as soon as it can.
    """
    starting()
    if sys.argv[1:2] != ["run"]:
        return
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda *_: os._exit(0))


def started() -> None:
    """Let Ctrl-C raise ``KeyboardInterrupt`` again, and print "?" for what an encoding lacks."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # closed ones are None
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def expressions() -> None:
    """Be the command that the wheel installs: ``python -m edge``, Ctrl-C and all."""
    starting_edge()
    from edge.__main__ import main  # noqa: PLC0415 - takes its time, with Ctrl-C in good hands

    started()
    sys.exit(main())


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
def held_back(beginnings: tuple[bytes, ...] = (b"",)) -> Iterator[None]:
    """Keep lines that native code writes straight to file descriptor 2 off it.

    Those with one of ``beginnings``, so that by default it is all; the others are passed on at the
    end. Exceptions still pass.
    """
    with _stderr_lock, _scratch() as captured:
        try:
            stderr = os.dup(2)
        except OSError:  # there is no stderr to keep quiet
            yield
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            for line in captured:
                if not line.startswith(beginnings):
                    os.write(2, line)
