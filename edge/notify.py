"""Tells the service manager how a run is: systemd's protocol, over a local datagram socket.

A message is lines of ``NAME=value`` in one datagram to the AF_UNIX socket that NOTIFY_SOCKET names,
"@" standing for the abstract namespace; WATCHDOG_USEC says how often it wants to hear of us. See
sd_notify(3) and sd_watchdog_enabled(3),
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html. Never a network: the
address families that a virtual machine's manager may name are passed over.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from edge.frames import Frame, FrameResult, Outage

_PINGS = 4
"""Pings in the time after which the watchdog bites: a late one or two are no hang."""


class Manager:
    """The service manager, where there is one: a context manager that says at its end so.

    ``present`` says whether it is there; ``ping_every`` is seconds, infinite where no watchdog
    waits. A message that doesn't reach it is nothing that a run should end for.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, process: int | None = None
    ) -> None:
        """Find it in ``environment``; ``process`` is this process's number if not its own."""
        address = environment.get("NOTIFY_SOCKET", "")
        self.present = address.startswith(("/", "@"))
        self.ping_every = _watchdog(environment, process or os.getpid()) / _PINGS
        self._address = address.replace("@", "\0", 1) if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self.present else None
        self._knows_ready = False

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
            self._socket.sendto(message, getattr(socket, "MSG_DONTWAIT", 0), self._address)
        except OSError:  # gone, or its queue is full
            return False
        return True

    def status(self, line: str) -> None:
        """Send what ``systemctl status`` shows."""
        self.tell(f"STATUS={line}")

    def ready(self) -> None:
        """Say that the run works, once: again only where that was not sent, or after a reload."""
        self._knows_ready = self._knows_ready or self.tell("READY=1")

    def reloading(self) -> None:
        """Say that the settings are read anew; ``ready`` says when that is over."""
        self._knows_ready = False
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def _watchdog(environment: Mapping[str, str], process: int) -> float:
    """Seconds of silence after which the manager takes us for hung."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(process)) != str(process):
        return math.inf  # another process is meant, which started this one
    return int(microseconds) / 1e6 if microseconds.isdecimal() else math.inf


class Heartbeat:
    """A sink that says when the loop has begun to turn, and then that it still does.

    It pings from the loop itself, so that the pings stop when the loop hangs. A run begins with a
    result; what follows a reload may begin with an outage.
    """

    def __init__(self, manager: Manager, clock: Callable[[], float] = time.monotonic) -> None:
        """Tell ``manager``; ``clock`` gives seconds."""
        self._manager, self._clock = manager, clock
        self._due = -math.inf

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Say that the loop turns."""
        self._beat()

    def lost(self, outage: Outage) -> None:
        """Say that the loop turns: without a source it does too."""
        self._beat()

    def _beat(self) -> None:
        self._manager.ready()
        now = self._clock()
        if now >= self._due:
            self._due = now + self._manager.ping_every
            self._manager.tell("WATCHDOG=1")
