"""A page with fake frames, and a client that asks it over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np

from edge.settings import ALL
from edge.sinks.web import WebOptions, WebSink
from edge.types import Frame, FrameResult, Image
from edge.vision.painter import Painter
from tests.edge.fakes import seen, square

LOCAL = "127.0.0.1"
NOISE: Image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
"""A picture whose JPEG is large."""


BLURRING = partial(Painter, ALL, "blur")


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def page(
    address: str = "0",
    painter: Callable[[], Painter] = Painter,
    hiding: Callable[[], Painter] | None = BLURRING,
    terminal: TextIO | None = None,
    token_file: Path | None = None,
    hosts: tuple[str, ...] = (),
) -> WebSink:
    options = WebOptions(address=address, token_file=token_file, hosts=hosts)
    return WebSink(options, painter, hiding, terminal)


def ask(sink: WebSink, path: str, method: str = "GET", host: str = LOCAL, **headers: str) -> Answer:
    """Ask at ``host``; headers are named with underscores."""
    with closing(http.client.HTTPConnection(host, sink.address.port, timeout=10)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


@contextmanager
def opened(sink: WebSink, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """An answer that goes on."""
    with closing(http.client.HTTPConnection(LOCAL, sink.address.port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as answer:
            yield answer


def part(answer: http.client.HTTPResponse) -> bytes:
    """The next picture of a stream."""
    assert answer.readline() == b"--frame\r\n"
    assert answer.readline() == b"Content-Type: image/jpeg\r\n"
    length = int(answer.readline().partition(b": ")[2])
    assert answer.readline().startswith(b"X-Age: ")
    assert answer.readline() == b"\r\n"
    jpeg = answer.read(length)
    assert answer.readline() == b"\r\n"
    return jpeg


def message(answer: http.client.HTTPResponse) -> tuple[str, Any]:
    """The next message of the events."""
    kind, data = answer.readline(), answer.readline()
    assert answer.readline() == b"\n"
    return kind.decode().partition(": ")[2].strip(), json.loads(data.partition(b": ")[2])


def send(sink: WebSink, index: int = 0, source: str = "camera 0", **more: Any) -> None:
    """Give ``sink`` one frame of a camera, with a happy and a sad face."""
    live: dict[str, Any] = {"live": True, "captured_at": time.monotonic(), "wall_time": 1e9}
    frame = Frame(NOISE, index, index / 30, source, **(live | more))
    faces = (seen(square(200, 150, 80), "happy", 1), seen(square(400, 150, 80), "sad", 2, False))
    sink.write(frame, FrameResult(source, index, index / 30, faces, {"detect": 2.0}, 1e9))


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def raw(sink: WebSink, receive: int = 0) -> socket.socket:
    """A bare connection, with a buffer of ``receive`` bytes where that is given."""
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(20)
    client.connect((LOCAL, sink.address.port))
    return client


def ends(client: socket.socket) -> bool:
    """Whether the other side has closed the connection, once its last bytes are read."""
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    return True
