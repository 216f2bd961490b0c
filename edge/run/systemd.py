"""Tells the service manager how a run is: systemd's protocol, over a local datagram socket.

A message is lines of ``NAME=value`` in one datagram to the AF_UNIX socket that NOTIFY_SOCKET names,
"@" standing for the abstract namespace; WATCHDOG_USEC says how often it wants to hear of us. See
sd_notify(3) and sd_watchdog_enabled(3),
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Self

from edge.protocols import BaseSink
from edge.text import visible
from edge.types import Frame, FrameResult, Outage

_PINGS = 4
"""Pings in the time after which the watchdog bites: a late one or two are no hang."""


class Manager:
    """The service manager, where there is one: a context manager that says at its end so.

    ``present`` says whether it is there; ``ping_every`` is seconds, infinite where no watchdog
    waits. A message that doesn't reach it is nothing that a run should end for.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find it in ``environment``."""
        address = environment.get("NOTIFY_SOCKET", "")
        self.present = address.startswith(("/", "@"))
        self.ping_every = _watchdog(environment) / _PINGS
        self._address = address.replace("@", "\0", 1) if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self.present else None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Say that the run ends."""
        self.tell("STOPPING=1")
        if self._socket is not None:
            self._socket.close()

    def tell(self, *lines: str) -> bool:
        """Send ``lines`` as one message, without ever waiting; return whether it was sent."""
        if self._socket is None:
            return False
        message = "\n".join(lines).encode(errors="replace")
        try:
            self._socket.sendto(message, socket.MSG_DONTWAIT, self._address)
        except OSError:  # gone, or its queue is full
            return False
        return True

    def status(self, line: str) -> None:
        """Send what ``systemctl status`` shows."""
        self.tell(f"STATUS={visible(line)}")

    def reloading(self) -> None:
        """Say that the settings are read anew; READY=1 says when that is over."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def _watchdog(environment: Mapping[str, str]) -> float:
    """Seconds of silence after which the manager takes us for hung."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return math.inf  # another process is meant, which started this one
    return int(microseconds) / 1e6 if microseconds.isdecimal() else math.inf


class Heartbeat(BaseSink):
    """Tells the manager when the first frame is there, and then that the loop still runs.

    It pings from the loop itself, so that the pings stop when the loop hangs; without a picture
    the loop runs too.
    """

    def __init__(self, manager: Manager, clock: Callable[[], float] = time.monotonic) -> None:
        """Tell ``manager``; ``clock`` gives seconds."""
        self._manager, self._clock = manager, clock
        self._ready = False
        self._due = -math.inf

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Say that the run works, and ping."""
        self._ready = self._ready or self._manager.tell("READY=1")
        self._ping()

    def lost(self, outage: Outage) -> None:
        """Ping."""
        self._ping()

    def _ping(self) -> None:
        now = self._clock()
        if now >= self._due:
            self._due = now + self._manager.ping_every
            self._manager.tell("WATCHDOG=1")
