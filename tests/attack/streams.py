"""Streams from servers that refuse, stall, lie and lead elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.attack.behaviours import http_behaviours, lives, rtsp_behaviours, silent
from tests.attack.case import Case, Result, results
from tests.attack.child import Ending
from tests.attack.inputs import RUN
from tests.attack.servers import Server

_LONGEST = 13.0
"""10 s are what a stream has to give a frame; the rest is to start on a busy machine."""
_AT_A_TIME = 4
"""They wait most of the time."""
_STOP = 8.0
"""When a run is asked to end that gave frames and goes on to wait for more, in seconds."""
_SECRET = "s3cret"
_PARTS = {"parts-of-2-gb"}
_PART_MIB = 2200
"""FFmpeg takes all of a part that has no end, up to 2 GiB, within the time that it has to open."""
_GIVES = {"live", "a-video", "no-boundary", "parts-of-negative-length"}
"""Paths that five frames come from, or none, where FFmpeg makes nothing of them."""
_LOSES = {"stops", "ends", "is-reset", "becomes-noise", "becomes-a-page", "becomes-a-bomb"}
_MAY = {
    "parts-of-all",
    "half-a-video",
    "length-of-all",
    "slow",
    "circle.m3u8",
    "many.m3u8",
    "cookies",
}
_SAMPLE = {"moved-302", "404", "garbage", "list", "reset"}


def stream(
    name: str, url: str, codes: Sequence[int] = (1,), says: str = "expected", stop: bool = False
) -> Case:
    """Return the case of a stream, of which no password may be seen."""
    return Case(
        name,
        lambda _: [*RUN, url, "--frames", "100000" if stop else "5"],
        codes,
        says,
        seconds=_LONGEST,
        check=_says_little,
        most_mib=_PART_MIB if name in _PARTS else 400,
        stop=_STOP if stop else 30.0,
        sample=name in _SAMPLE,
    )


def _says_little(_: Path, ending: Ending) -> str:
    said = ending.out + ending.err
    if _SECRET in said:
        return "the password is shown"
    lines = [line for line in ending.err.splitlines() if "connecting, which may take" not in line]
    return "" if ending.code != 1 or len(lines) == 1 else f"{len(lines)} lines: {lines[:3]!a}"


def cases(port: int, six: int, behaviours: Mapping[str, object]) -> Iterator[Case]:
    """Yield a case for each path of the server at ``port``, and for addresses that are wrong."""
    for path in behaviours:
        scheme = "rtsp" if path.startswith("r-") else "http"
        url = f"{scheme}://me:{_SECRET}@127.0.0.1:{port}/{path}?key={_SECRET}"
        if path.endswith(".m3u8"):
            url = f"http://me:{_SECRET}@127.0.0.1:{port}/{path}"
        if path in _LOSES:
            yield stream(path, url, (0,), "p95", stop=True)
        elif path in _GIVES | _MAY:
            yield stream(path, url, (0, 1), "")
        else:
            yield stream(path, url, says="redirect" if path.startswith("moved-") else "expected")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    for scheme in ("http", "rtsp", "https", "rtsps"):
        secret = f"{scheme}://me:{_SECRET}@"
        yield stream(f"refused {scheme}", f"{secret}127.0.0.1:{closed}/x", says="refused")
        yield stream(f"no such name {scheme}", f"{secret}no-such-host.invalid/x?{_SECRET}")
    for name, address in {
        "port 99999": "127.0.0.1:99999",
        "port 0": "127.0.0.1:0",
        "port -1": "127.0.0.1:-1",
        "port of letters": "127.0.0.1:abc",
        "no host": "",
        "half of IPv6": "[::1",
        "IPv6 refused": f"[::1]:{closed}",
        "name of 300 letters": "a" * 300,
        "name of dots": "...",
        "escape sequence": "\x1b[2J",
        "line end": "a\nb",
    }.items():
        yield stream(f"address {name}", f"http://me:{_SECRET}@{address}/x")
    if six:
        yield stream("IPv6", f"http://[::1]:{six}/live", (0,), "p95")
    yield stream("no TLS", f"https://127.0.0.1:{port}/live")
    yield stream("no RTSP over TLS", f"rtsps://127.0.0.1:{port}/live")
    for scheme in ("ftp", "file", "concat", "pipe", "data", "rtmp", "udp", "tcp", "unix"):
        name = f"scheme {scheme}"
        yield stream(name, f"{scheme}://127.0.0.1:{port}/live", (2,), "expected")


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try all streams, and that none of them led to another server; ``seed`` is for fuzzers."""
    del seed
    with ExitStack() as stack:
        other = stack.enter_context(Server({"asked": silent, "r-asked": silent}))
        behaviours = {**http_behaviours(other.port), **rtsp_behaviours(other.port)}
        server = stack.enter_context(Server(behaviours))
        six = 0
        if socket.has_ipv6:
            try:
                live = {"live": lives(10_000, silent)}
                six = stack.enter_context(Server(live, socket.AF_INET6)).port
            except OSError:
                six = 0
        yield from results("streams", cases(server.port, six, behaviours), sample, _AT_A_TIME)
        # Not "r-asked": FFmpeg follows a redirect of RTSP, and no option keeps it from that.
        followed = other.asked.count("asked")
        problems = (f"{followed} requests to another server",) if followed else ()
        yield Result("streams", "no other server is asked", problems, failed=len(problems))
