"""A server that misbehaves in many ways, each at a path of its own: HTTP, RTSP, and neither."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

_PATH = re.compile(rb"^[A-Z_]+ (?:\w+://[^/ ]+)?/([^ ?/]*)")
_MOST_HEAD = 1 << 16


@dataclass
class Connection:
    """One client that asked for something; ``ended`` says when to let it go."""

    socket: socket.socket
    request: bytes
    server: Server

    @property
    def ended(self) -> bool:
        """Whether the server ends."""
        return self.server.ended.is_set()

    @property
    def method(self) -> bytes:
        """Return "GET", "DESCRIBE" …"""
        return self.request.split(b" ", 1)[0]

    def send(self, content: bytes) -> None:
        """Send all of ``content``; raises ``OSError`` where the other side has left."""
        self.socket.sendall(content)

    def ask(self) -> bool:
        """Read the next request; return whether there is one."""
        self.request = read_head(self.socket)
        return bool(self.request)

    def pause(self, seconds: float) -> bool:
        """Wait; return whether to go on."""
        return not self.server.ended.wait(seconds)

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


Behaviour = Callable[[Connection], None]


class Server:
    """Listens on a port of the loopback and calls the behaviour that a request's path names.

    ``asked`` are the paths that were asked for, "" for what was no request.
    """

    def __init__(
        self, behaviours: Mapping[str, Behaviour], family: int = socket.AF_INET, port: int = 0
    ) -> None:
        """Listen; nobody is answered before it is entered."""
        self._behaviours = behaviours
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self.ended = threading.Event()
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let everybody go."""
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            request = read_head(client)
            path = _PATH.match(request)
            name = path[1].decode(errors="replace") if path else ""
            self.asked.append(name)
            behaviour = self._behaviours.get(name)
            if behaviour:
                behaviour(Connection(client, request, self))


class Listener:
    """Lets ``talk`` talk to each who connects to ``port`` of the loopback, one after the other."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        """Listen; nobody is answered before it is entered."""
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:  # closed
                return
            with client, contextlib.suppress(OSError):  # it may go first
                client.settimeout(5)
                self._talk(client)


def read_head(client: socket.socket) -> bytes:
    """Return a request up to its empty line, what there is where the other side leaves before."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MOST_HEAD:
        more = client.recv(4096)
        if not more:
            break
        head += more
    return head
