"""Lines for whoever reads a stream, who may have stopped reading: that must hold up nobody."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TextIO

_MOST = 1000
"""Lines that wait for a reader; of more, the oldest are dropped."""
_AGAIN = 0.05
"""When to try again to write to what was set not to wait, seconds."""


class Speaker:
    """Writes lines to ``stream`` from a thread of its own.

    A pipe that nobody drains, or a terminal that is halted, keeps who writes to it waiting, and a
    signal doesn't end that. What the system says to a write is raised by the calls that follow it,
    and no more is written then.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Begin nothing yet; None is a stream that was closed before the process began."""
        self._stream = stream
        self._waiting: deque[str] = deque(maxlen=_MOST)
        self._writing = self._ends = False
        self._error: OSError | None = None
        self._change = threading.Condition()
        self._stack = ExitStack()
        self._thread: threading.Thread | None = None

    def say(self, line: str) -> None:
        """Have ``line`` written, at once but for a reader that doesn't keep up.

        Raises ``OSError`` for an earlier one.
        """
        with self._change:
            self._raise()
            self._waiting.append(line)
            self._change.notify_all()
            if self._thread is None and self._stream is not None:
                write = self._stack.enter_context(_unbuffered(self._stream))
                work = partial(self._work, write)
                # A daemon: one that waits for ever doesn't keep the process from its end.
                self._thread = threading.Thread(target=work, daemon=True)
                self._thread.start()

    def finish(self, seconds: float) -> bool:
        """Wait at most so long for what was said; return whether all of it is written.

        To be the last call. Raises ``OSError``.
        """
        with self._change:
            self._ends = True
            self._change.notify_all()
            if self._thread is None:
                return True
            written = self._change.wait_for(
                lambda: self._error or not (self._waiting or self._writing), seconds
            )
            self._raise()
            return bool(written)

    def _raise(self) -> None:
        if self._error:
            raise self._error.with_traceback(None)  # which would keep the frames that it passed

    def _work(self, write: Callable[[str], None]) -> None:
        with self._stack:
            while (line := self._next()) is not None:
                try:
                    write(f"{line}\n")
                except OSError as error:
                    with self._change:
                        self._error = error
                        self._change.notify_all()
                    return

    def _next(self) -> str | None:
        """Wait for a line; None is the end."""
        with self._change:
            self._writing = False
            self._change.notify_all()
            self._change.wait_for(lambda: self._waiting or self._ends)
            self._writing = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None


@contextmanager
def _unbuffered(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """Yield what writes to ``stream`` without its buffer, whose lock would be held at the exit.

    And through a copy of its descriptor: native code's lines are held back on the first one.
    """
    handle = _copy(stream)
    if handle is None:
        yield lambda text: print(text, end="", file=stream, flush=True)
        return
    try:
        yield lambda text: _write_all(
            handle, text.encode(stream.encoding, stream.errors or "replace")
        )
    finally:
        os.close(handle)


def _copy(stream: TextIO) -> int | None:
    """Return another descriptor of what ``stream`` writes to, None where bytes are not for it."""
    if os.name != "posix":  # a console there takes text
        return None
    try:
        return os.dup(stream.fileno())
    except OSError:  # no file of the system's
        return None


def _write_all(handle: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(handle, data) :]
        except BlockingIOError:
            time.sleep(_AGAIN)
