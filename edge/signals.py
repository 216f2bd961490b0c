"""What the signals of the system mean to a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.loop import Stop


def end_on_signals(stop: Stop) -> None:
    """Let the first signal end the loop in good order, and a second Ctrl-C or SIGTERM at once.

    SIGHUP may come twice: of a terminal that closes, both the shell and the system tell. A signal
    that the caller has switched off, as nohup and a job in the background do, stays off.
    """

    def end(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        _heed(number, end)
    on_hang_up(stop.set)


def on_hang_up(action: Callable[..., None]) -> None:
    """Let SIGHUP call ``action``, where there is one that the caller has not switched off."""
    if hasattr(signal, "SIGHUP"):
        _heed(signal.SIGHUP, action)


def _heed(number: signal.Signals, action: Callable[..., None]) -> None:
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, action)


def has_terminal() -> bool:
    """Whether there is a terminal whose closing sends SIGHUP."""
    if not hasattr(os, "ctermid"):
        return False
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
