"""What every command does about Ctrl-C from its first moment on.

To be imported before anything else, and quick itself: until then Python answers with a traceback.
"""

from __future__ import annotations

import os
import select
import signal
import sys

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""
EMPTY = "stopped before the first frame"
"""What a run says that was ended so early."""


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
            signal.signal(number, _stopped)


def _stopped(*_: object) -> None:
    try:
        if select.select([], [2], [], 0)[1]:  # a full pipe would hold it up
            os.write(2, f"{EMPTY}\n".encode())
    finally:  # also where there is no such stream
        os._exit(0)


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
