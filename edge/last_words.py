"""What a run does when a library ends its process: Qt calls exit() when its X server is gone."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from edge.frames import Frame, FrameResult, Outage


class LastWords:
    """A sink that has C's exit() call ``action`` first; its result is the exit code.

    From the first frame on: what the libraries have set up by then they take down after us. The
    thread is still in the call of the library, so that no exception can end that, and what called
    it never goes on. Python's own end comes when this is closed. Elsewhere than with the GNU C
    library it does nothing: another one can't be asked to forget the action.
    """

    def __init__(self, action: Callable[[], int]) -> None:
        """Keep ``action`` for the worst case."""
        self._action = action
        self._armed = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the process end without a word from here."""
        self._stack.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Be ready from now on. To be the last sink: the others have written theirs."""
        if not self._armed:
            self._armed = True
            self._arm()

    def lost(self, outage: Outage) -> None:
        """Wait for a frame."""

    def _arm(self) -> None:
        libc = _gnu_libc()
        if libc is None:
            return
        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._at_exit)
        owner = ctypes.create_string_buffer(1)  # its address stands for us
        libc["__cxa_atexit"](function, None, owner)

        def disarm(_: Any = function) -> None:  # which must live until here
            self._armed = False
            libc["__cxa_finalize"](owner)  # calls what is registered for us, and forgets it

        self._stack.callback(disarm)

    def _at_exit(self, _: object) -> None:
        if not self._armed:
            return
        code = 1
        try:
            code = self._action()
        finally:
            os._exit(code)


def _gnu_libc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
