"""Mutated heads of requests against one page."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.attack.case import Result
from tests.attack.pages import Page

_HEADS, _SAMPLE = 2000, 40
_LOOKED_AT = 40
"""Heads after each of which the page is asked how it is."""
_CLIENTS = 4
_ENDINGS = ("\r\n", "\n", "\r", "\0", " ", "\t", ":", "\r\n\r\n", "%", "\xff", "\x80", "?", "#")
_WORDS = (
    *("GET", "HEAD", "POST", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "Host", "localhost", "/events"),
    *("/stream.mjpg", "/../", "%00", "%2e%2e", "token=", "source=", "hide=1", "Content-Length"),
    *("Transfer-Encoding", "chunked", "Connection", "keep-alive", "Upgrade", "websocket", "0" * 99),
    *("Cookie", "Authorization", "Bearer", "Origin", "Expect", "100-continue", "-1", "9" * 30),
)


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a result for so many heads at a time."""
    chance = random.Random(seed)
    with Page() as page, ThreadPoolExecutor(_CLIENTS) as pool:
        for first in range(0, _SAMPLE if sample else _HEADS, _LOOKED_AT):
            heads = [(_mutated(chance, page), chance.random() < 0.8) for _ in range(_LOOKED_AT)]
            began = time.monotonic()
            list(pool.map(lambda each: _send(page, *each), heads))
            problems = tuple(page.problems())
            yield Result(
                "fuzz-page",
                f"heads from {first}, seed {seed}",
                problems,
                _LOOKED_AT,
                _LOOKED_AT * bool(problems),
                seconds=time.monotonic() - began,
                peak_mib=page.mib,
            )


def _send(page: Page, head: bytes, half: bool) -> None:
    with suppress(OSError):  # to be cut off is an answer
        page.ask(head, 0.2, half)


def _mutated(chance: random.Random, page: Page) -> bytes:
    """Return a request with one to six changes."""
    paths = ("/", "/events", "/stream.mjpg", "/result.json", "/snapshot.jpg", "/metrics")
    more = chance.choice(("Connection: close", "Content-Length: 3", "Transfer-Encoding: chunked"))
    head = page.get(chance.choice(paths), more) + b"3\r\nabc\r\n0\r\n\r\n" * (more[0] == "T")
    for _ in range(chance.randint(1, 6)):
        head = chance.choice(_CHANGES)(chance, head)
    return head


def _place(chance: random.Random, head: bytes) -> int:
    return chance.randrange(len(head) + 1)


def _replace(chance: random.Random, head: bytes) -> bytes:
    at = _place(chance, head)
    return head[:at] + chance.randbytes(1) + head[at + 1 :]


def _insert(chance: random.Random, head: bytes) -> bytes:
    at, word = _place(chance, head), chance.choice(_WORDS + _ENDINGS).encode("latin-1")
    return head[:at] + word + head[at:]


def _cut(chance: random.Random, head: bytes) -> bytes:
    at = _place(chance, head)
    return head[:at] + head[at + chance.randint(1, 20) :]


def _repeat(chance: random.Random, head: bytes) -> bytes:
    at, end = sorted((_place(chance, head), _place(chance, head)))
    return head[:end] + head[at:end] * chance.choice((1, 2, 50)) + head[end:]


def _swap(chance: random.Random, head: bytes) -> bytes:
    lines = head.split(b"\r\n")
    chance.shuffle(lines)
    return b"\r\n".join(lines)


def _noise(chance: random.Random, head: bytes) -> bytes:
    at = _place(chance, head)
    return head[:at] + chance.randbytes(chance.choice((1, 10, 3000))) + head[at:]


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_replace, _replace, _insert, _insert, _cut, _repeat, _swap, _noise),
)
