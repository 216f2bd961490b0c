"""``python -m edge`` and ``expressions``: the command line, quiet when Ctrl-C comes early."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

_ENVIRONMENT = {
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",  # seconds that a read may block; 10 otherwise
    "OPENCV_LOG_LEVEL": "SILENT",  # what goes wrong is said in one line of our own
    "QT_LOGGING_RULES": "*.warning=false",  # its window misses fonts that the overlay does not use
}
"""OpenCV reads these when it is imported."""


def main() -> int:
    """Run the command line and return its exit code."""
    _open_standard_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback of imports helps nobody
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from edge.cli import main as command_line  # noqa: PLC0415 - takes its time

    code = command_line(sys.argv[1:])
    # All is done: the default of a signal, which Python restores now, would spoil the exit code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if any(thread.daemon for thread in threading.enumerate()):
        # One that comes back from a native call while Python finalises aborts the process.
        logging.shutdown()
        os._exit(code)
    return code


def _open_standard_streams() -> None:
    """Open what the caller has closed, or an output would get its number and native code's lines.

    Python took note before: ``sys.stdout`` is None where it was closed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", errors="replace")  # what is said there is for nobody else


if __name__ == "__main__":
    sys.exit(main())
