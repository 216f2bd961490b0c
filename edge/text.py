"""Lines for people: what comes from outside can't command a terminal or forge a line of its own.

Names of files, tensors and settings, and what a server or a file says of itself, may hold anything.
Whatever a person reads goes through here: results and errors, log lines, the status of a service.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line ends, what turns the text around it, and bytes that are no text."""
_MOST = 4000
"""Characters of a line; what is longer keeps its beginning and its end."""


def visible(text: str) -> str:
    r"""Return ``text`` with ``\u000a`` for what would not show, or would turn what is around it."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def line(text: str) -> str:
    """Return ``text`` as one line for a person: what is hidden made visible, not too long."""
    text = text if len(text) <= _MOST else f"{text[: _MOST // 2]} … {text[-_MOST // 2 :]}"
    return visible(text)


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print ``lines`` on standard output, or ``file``, at once."""
    print(*map(line, lines), sep="\n", flush=True, file=file)


def one_line(error: object) -> str:
    """Return what a foreign ``error`` says, whose text may be laid out in lines, in one."""
    return " ".join(str(error).split())


@contextmanager
def native_stderr_in(file: BinaryIO) -> Iterator[None]:
    """Let ``file`` take what native code writes to file descriptor 2, where that is open."""
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


class LineFormatter(logging.Formatter):
    """Makes each log record one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        """Return the line."""
        return line(super().formatMessage(record))
