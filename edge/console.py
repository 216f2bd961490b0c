"""What every command does about Ctrl-C and its two streams before its work begins."""

from __future__ import annotations

import signal
import sys

from edge.errors import first_line

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""


def starting() -> None:
    """Let Ctrl-C end the process without a word while the rest of it is imported.

    Before that, Python answers with a traceback of the imports. Ctrl-C that the caller has switched
    off, as for a job in the background, stays off.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


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


def started() -> None:
    """Let Ctrl-C raise ``KeyboardInterrupt`` again, and print "?" for what an encoding lacks."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # closed ones are None
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
