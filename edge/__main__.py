"""``python -m edge`` and ``expressions``: the command line, quiet when Ctrl-C comes early."""

from __future__ import annotations

import os
import signal
import sys

_ENVIRONMENT = {
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",  # seconds that a read may block; 10 otherwise
    "OPENCV_LOG_LEVEL": "SILENT",  # what goes wrong is said in one line of our own
    "QT_LOGGING_RULES": "*.warning=false",  # its window misses fonts that the overlay does not use
}
"""OpenCV reads these when it is imported."""


def main() -> int:
    """Run the command line and return its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback of imports helps nobody
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from edge.cli import main as command_line  # noqa: PLC0415 - takes its time

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
