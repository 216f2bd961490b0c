"""What is done to a page in more than one request; each says what is wrong, "" for nothing."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import ExitStack, closing, suppress

from tests.attack.pages import Page

CUT_OFF = 7.0
"""Seconds after which who does not read, or trickles, is no more connected."""
STREAM = "/stream.mjpg"


def endless(page: Page, beginning: bytes, again: bytes, seconds: float = 8.0) -> str:
    """Send ``again`` and again until the other side hangs up."""
    with closing(page.connect()) as client:
        client.sendall(beginning)
        until = time.monotonic() + seconds
        with suppress(ConnectionError):
            while time.monotonic() < until:
                client.sendall(again)
                if len(again) < 100:
                    time.sleep(0.2)
            return f"was let go on for {seconds:g} s"
    return ""


def slow_loris(page: Page) -> str:
    """500 connections that send a byte a second."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(page.connect())) for _ in range(500)]
        until, left = time.monotonic() + CUT_OFF, clients
        while left and time.monotonic() < until:
            left = [client for client in left if _still_takes(client)]
            time.sleep(1)
        return f"{len(left)} still connected" if left else ""


def _still_takes(client: socket.socket) -> bool:
    """Send a byte; return whether the other side has not hung up."""
    client.setblocking(False)
    try:
        client.sendall(b"G")
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def many(page: Page, count: int, request: bytes, seconds: float) -> str:
    """Ask for something endless by many connections that read nothing; all are to be cut off."""
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(closing(page.connect(receive=4096)))
            with suppress(OSError):  # one too many
                client.sendall(request)
        time.sleep(seconds)
        return next(page.problems(), "") if count < 16 else ""


def viewers_who_read(page: Page, count: int = 200) -> str:
    """Some get pictures, the others a refusal at once."""
    answers: list[bytes] = []

    def look() -> None:
        with suppress(OSError):
            answers.append(page.ask(page.get(STREAM), 2.0)[:15])

    threads = [threading.Thread(target=look) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [answer for answer in answers if answer[9:12] not in (b"200", b"503", b"")]
    return f"answered {wrong[0]!r}" if wrong or not answers else ""


def come_and_go(page: Page, reset: bool) -> str:
    for number in range(500):
        with closing(page.connect()) as client:
            if number % 2:
                client.sendall(page.get(STREAM))
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return ""


def pipeline(page: Page) -> str:
    answer = page.ask(page.get("/healthz") * 999 + page.get("/healthz", "Connection: close"), 20)
    count = answer.count(b"HTTP/1.1 200")
    return "" if count == 1000 else f"{count} answers to 1000 requests"


def no_echo(page: Page) -> str:
    request = page.get("/", "X-Secret: mine", "Connection: close").replace(b"GET", b"TRACE", 1)
    return "it echoes" if b"mine" in page.ask(request) else ""


def plain_text(page: Page) -> str:
    """What a viewer sends comes back as text alone, in one line."""
    answer = page.ask(
        page.get("/stream.mjpg?source=%3Cscript%3E%0d%0aX-Evil:1", "Connection: close")
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"X-Evil" in head or b"text/plain" not in head or b"nosniff" not in head:
        return f"answered {head!r}"
    return "" if body.count(b"\n") == 1 else f"said {body!r}"


def half_closed(page: Page) -> str:
    return "" if page.ask(page.get("/"), half=True)[9:12] == b"200" else "no answer"


def silent(page: Page) -> str:
    with closing(page.connect(seconds=CUT_OFF)) as client:
        return "" if not client.recv(1) else "an answer to nothing"
