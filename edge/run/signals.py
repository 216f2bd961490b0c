"""What the signals of the system mean to a run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code of what a second Ctrl-C ended at once."""
_AGAIN = 0.5
"""Seconds after which a signal counts as a second one: ``timeout`` sends the same one twice."""
_KEPT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Flags that signal handlers set and the loop reads.

    Not a ``threading.Event``: its lock can deadlock when a handler interrupts its own thread.
    """

    def __init__(
        self,
        leave: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set no flag; ``leave`` ends the process at once, ``clock`` gives seconds."""
        self.stopped = False
        self.accepted = False
        """Whether new settings were asked for and can work."""
        self._reload = False
        self._leave, self._clock = leave, clock
        self._first = 0.0

    def install(self, reload: bool) -> None:
        """Let SIGINT and SIGTERM stop the run, a second one at once.

        SIGHUP asks for a ``reload`` of the settings, or stops the run too. A signal that the caller
        has switched off, as nohup does, stays off.
        """
        for name, handler in (
            ("SIGINT", self.end),
            ("SIGTERM", self.end),
            ("SIGHUP", self.ask_reload if reload else self.stop),
        ):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _KEPT)  # what came since ``hand_over``

    def hand_over(self) -> None:
        """Keep signals that come from now on for the program that takes this one's place.

        A second reload would end it before it has handlers.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _KEPT)

    def stop(self, *_: object) -> None:
        """Let the loop end after the frame that it is at."""
        self.stopped = True

    def end(self, *_: object) -> None:
        """Stop; the second time leave at once, as if killed."""
        if not self.stopped:
            self._first = self._clock()
        elif self._clock() - self._first > _AGAIN:
            self._leave(INTERRUPTED)
        self.stopped = True

    def ask_reload(self, *_: object) -> None:
        """Ask for new settings."""
        self._reload = True

    def take_reload(self) -> bool:
        """Return whether new settings were asked for since the last call."""
        asked, self._reload = self._reload, False
        return asked


def interrupt() -> None:
    """Let SIGINT and SIGTERM raise ``KeyboardInterrupt``, unless the caller has switched it off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def has_terminal() -> bool:
    """Return whether there is a terminal, whose closing sends SIGHUP."""
    if not hasattr(os, "ctermid"):
        return False
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
