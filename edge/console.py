"""What every command does about Ctrl-C and its two streams before its work begins."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""


def starting() -> None:
    """Let Ctrl-C end the process without a word while the rest of it is imported.

    Before that, Python answers with a traceback of the imports. Ctrl-C that the caller has switched
    off, as for a job in the background, stays off.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def started() -> None:
    """Let Ctrl-C raise ``KeyboardInterrupt`` again, and print "?" for what an encoding lacks."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # closed ones are None
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
