"""Who looks at the live page: one who reads, one who notes how old results are, one who doesn't."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import BinaryIO

from benchmarks.publishing import note_ages

_AGAIN = 1.0
"""Seconds before a viewer comes again."""
_SMALL = 4096
"""Bytes that a viewer who doesn't read has room for."""
_IGNORES = 20.0
"""Seconds that such a viewer stays; the page cuts it off before."""


class Ages(list[float]):
    """The milliseconds from capture to arrival of each result, and when each came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none."""
        super().__init__()
        self.times: list[float] = []
        self._clock = clock

    def append(self, age: float) -> None:
        """Note one."""
        super().append(age)
        self.times.append(self._clock())


@contextmanager
def looking(port: int, ages: Ages) -> Iterator[None]:
    """Keep the three viewers at the page of ``port`` until the end."""
    end = threading.Event()
    tasks = [
        lambda: _read(port, "/stream.mjpg", _discard),
        lambda: _read(port, "/events", lambda reply: note_ages(reply, ages)),
        lambda: ignore(port, end),
    ]
    threads = [threading.Thread(target=_again, args=(task, end), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()


def _again(task: Callable[[], None], end: threading.Event) -> None:
    while not end.is_set():
        with suppress(OSError, http.client.HTTPException):
            task()
        end.wait(_AGAIN)


def _read(port: int, path: str, read: Callable[[http.client.HTTPResponse], None]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        read(connection.getresponse())


def _discard(reply: BinaryIO) -> None:
    while reply.read(1 << 16):
        pass


def ignore(port: int, end: threading.Event, seconds: float = _IGNORES) -> None:
    """Ask for the pictures and read none of them, for so long or until ``end``."""
    with socket.socket() as viewer:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        viewer.connect(("127.0.0.1", port))
        viewer.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        end.wait(seconds)
