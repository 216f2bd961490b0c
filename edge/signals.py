"""What the signals of the system mean to a run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.startup import INTERRUPTED

if TYPE_CHECKING:
    from edge.loop import Stop

_AGAIN = 0.5
"""Seconds after which Ctrl-C or SIGTERM is another one: ``timeout`` sends the same one twice."""


def end_on_signals(
    stop: Stop,
    leave: Callable[[int], object] = os._exit,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Let the first signal end the loop in good order, and a second Ctrl-C or SIGTERM at once.

    At once is as if killed: nothing is tidied up, so that what the outputs have written lies where
    the next run with them looks for it. SIGHUP may come as often as it likes: of a terminal that
    closes, both the shell and the system tell. A signal that the caller has switched off, as nohup
    and a job in the background do, stays off.
    """
    times: list[float] = []

    def end(*_: object) -> None:
        stop.set()
        times.append(clock())
        if times[-1] - times[0] > _AGAIN:
            leave(INTERRUPTED)

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
