"""Clients that are slow, many, or do not read."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edge.sinks.web import WebSink
from edge.web.server import CONNECTIONS, PATIENCE
from tests.edge.web.site import ask, ends, opened, page, part, raw, send, wait_for

STREAM = b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def sink() -> Iterator[WebSink]:
    with page() as opened:
        send(opened)
        yield opened


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - its own descriptor is one of them


def test_the_seventeenth_connection_is_refused(sink: WebSink) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(raw(sink))) for _ in range(CONNECTIONS)]
        with closing(raw(sink)) as refused:
            assert b"503 Service Unavailable" in refused.recv(65536)
            assert ends(refused)
        clients[0].close()
        wait_for(lambda: _status(sink) == 200)


def _status(sink: WebSink) -> int:
    try:
        return ask(sink, "/healthz").status
    except OSError:  # refused before it was asked
        return 0


@pytest.mark.slow
def test_a_thousand_connections_leave_no_descriptor(sink: WebSink) -> None:
    ask(sink, "/healthz")
    before = descriptors()
    for n in range(1000):
        with closing(raw(sink)) as client:
            if n % 2:  # and half of them in the middle of an answer
                client.sendall(STREAM)
                client.recv(100)
    wait_for(lambda: descriptors() <= before)
    wait_for(lambda: "expressions_web_viewers 0.0" in ask(sink, "/metrics").text)


@pytest.mark.slow
def test_a_request_that_trickles_is_cut_off(sink: WebSink) -> None:
    for start in (
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        STREAM[:-4] + b"\r\nContent-Length: 999\r\n\r\n",
    ):
        with closing(raw(sink)) as client:
            client.settimeout(0.2)
            client.sendall(start)
            began = time.monotonic()
            _trickle(client)
            assert PATIENCE - 1 < time.monotonic() - began < PATIENCE + 2


def _trickle(client: socket.socket) -> None:
    """Send a letter now and then until the other side hangs up."""
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        try:
            client.sendall(b"x")
            if not client.recv(65536):
                return
        except TimeoutError:
            pass
        except ConnectionError:
            return


@pytest.mark.slow
def test_so_is_a_second_request_of_the_same_connection(sink: WebSink) -> None:
    with closing(raw(sink)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in client.recv(65536)
        began = time.monotonic()
        client.settimeout(0.2)
        _trickle(client)
        assert time.monotonic() - began < PATIENCE + 2


@pytest.mark.slow
def test_a_viewer_who_does_not_read_is_cut_off_and_costs_the_loop_nothing(sink: WebSink) -> None:
    with closing(raw(sink, receive=4096)) as client, opened(sink, "/stream.mjpg") as other:
        client.sendall(STREAM)
        began, longest, index = time.monotonic(), 0.0, 0
        while ": 2.0" not in (text := ask(sink, "/metrics").text) and "viewers 2.0" not in text:
            assert time.monotonic() - began < 5
        while "viewers 1.0" not in ask(sink, "/metrics").text:
            before = time.perf_counter()
            send(sink, index := index + 1)
            longest = max(longest, time.perf_counter() - before)
            part(other)  # who reads sees them all
            assert time.monotonic() - began < PATIENCE + 5
        assert time.monotonic() - began > PATIENCE - 1
        assert longest < 0.05
        assert ends(client)


def test_the_end_does_not_wait_for_who_does_not_read(tmp_path: Path) -> None:
    with page() as sink:
        send(sink)
        client = raw(sink, receive=4096)
        client.sendall(STREAM)
        client.recv(10)
        for index in range(50):
            send(sink, index)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    assert ends(client)
    client.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("web")]


def test_the_port_is_free_again_at_once() -> None:
    with page() as first, opened(first, "/events"):
        port = first.address.port
    with page(str(port)) as second:
        assert second.address.port == port


@pytest.mark.parametrize(
    "request_", [b"\x16\x03\x01 TLS", b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"x" * 70000]
)
def test_what_is_no_request_is_answered_and_closed(
    request_: bytes, sink: WebSink, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(raw(sink)) as client:
        client.sendall(request_ + b"\r\n\r\n")
        assert b" 400 " in client.recv(65536)
        assert ends(client)
    assert capfd.readouterr() == ("", "")


CHUNKED = b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("path", [b"/", b"/events"])
@pytest.mark.parametrize("wait", [False, True], ids=["at once", "while it is answered"])
def test_a_body_that_is_nonsense_ends_the_connection_without_a_word(
    path: bytes, wait: bool, sink: WebSink, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(raw(sink)) as client:
        client.sendall(b"GET " + path + b" HTTP/1.1\r\n" + CHUNKED + b"zz\r\n" * (not wait))
        assert client.recv(65536).startswith(b"HTTP/1.1 200" if wait else b"HTTP/1.1 400")
        if wait:
            client.sendall(b"zz\r\n")
        assert ends(client)
    assert ask(sink, "/healthz").status == 200
    assert capfd.readouterr() == ("", "")
