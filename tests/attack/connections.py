"""Whom a process connects to, by its system calls: nobody, or those that its command names."""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.attack.case import EDGE_PYTHON, TRAIN_PYTHON, WORKERS, Result
from tests.attack.child import run
from tests.attack.media import write_inputs
from tests.edge.sinks.mosquitto import Silent
from tests.edge.sources.network_camera import Camera

_CALLS = "socket,connect,bind,sendto,sendmsg,sendmmsg,getsockname"
_ADDRESS = re.compile(
    r"(connect|bind|getsockname|send\w+)\(.*?sa_family=(AF_\w+)"
    r'(?:, sin6?_port=htons\((\d+)\)(?:.*?"([^"]+)")?)?'
)
_SOCKET = re.compile(r"\bsocket\((AF_\w+)")
_API = """
import sys
from edge import Recognizer, annotate
recognizer = Recognizer()
for frame, result in recognizer.stream(sys.argv[1]):
    recognizer(frame.image).to_dict(), annotate(frame.image, result)
    if frame.index == 5:
        break
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A command, and the ports of this machine that it may talk to.

    Without any it may not even open a socket; ``local`` lets it use any port of this machine, as
    the workers of a scan do.
    """

    name: str
    words: Sequence[object]
    ports: frozenset[int] = frozenset()
    local: bool = False
    python: Path = EDGE_PYTHON
    codes: tuple[int, ...] = (0,)
    sample: bool = False


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a result for each command; one that says so where strace is missing."""
    del seed  # there is nothing random here
    if shutil.which("strace") is None:
        yield Result("connections", "not tried: there is no strace here", (), count=0)
        return
    with (
        tempfile.TemporaryDirectory(prefix="attack-") as made,
        Camera() as camera,
        Silent() as broker,
        _Redirect(camera.port) as redirect,
    ):
        write_inputs(Path(made), 12, 30)
        watched = [
            *_alone(Path(made)),
            *_connected(camera, int(broker.url.rpartition(":")[2]), redirect.port),
        ]
        with ThreadPoolExecutor(WORKERS) as pool:
            chosen = [each for each in watched if each.sample or not sample]
            yield from pool.map(_watch, chosen)


def _alone(inputs: Path) -> Iterator[Watched]:
    """What needs nobody."""
    few = ("-m", "edge", "run", "--display", "off", "--frames", 8)
    video, pictures = inputs / "video.mp4", inputs / "pictures"
    outputs = ("-o", "a.jsonl", "-o", "a.csv", "-o", "a.mp4", "--events", "events.jsonl")
    yield Watched("demo", (*few, "demo", *outputs), sample=True)
    yield Watched("auto, without a camera", (*few, "auto"))
    yield Watched("a video", (*few, video, *outputs))
    yield Watched("a folder", (*few, pictures, "-o", "shown/"))
    yield Watched("a photograph", (*few, pictures / "0.jpg", "-o", "a.png"))
    yield Watched("a program at a change", (*few, "demo", "--on-change", "true"))
    yield Watched("doctor", ("-m", "edge", "doctor", "demo", "--display", "off"), sample=True)
    doctor = ("-m", "edge", "doctor", "http://127.0.0.1:9/live", "--mqtt", "mqtt://127.0.0.1:9")
    yield Watched("doctor of a stream", (*doctor, "--display", "off"), codes=(0, 1))
    yield Watched("info", ("-m", "edge", "info"))
    yield Watched("help", ("-m", "edge", "run", "--help"))
    yield Watched("the API", ("-c", _API, video), sample=True)
    scan = ("-m", "edge", "scan", pictures, "-o", "r", "--workers", 1)
    yield Watched("a scan", scan, local=True, python=TRAIN_PYTHON)
    yield Watched("help of a scan", ("-m", "edge", "scan", "--help"), python=TRAIN_PYTHON)


def _connected(camera: Camera, broker: int, redirect: int) -> Iterator[Watched]:
    """What needs somebody, and talks to nobody else."""
    few = ("-m", "edge", "run", "--display", "off", "--frames", 8)
    here = "127.0.0.1"
    stream = frozenset({camera.port})
    yield Watched("a stream", (*few, camera.url), stream, sample=True)
    yield Watched("a stream that refuses", (*few, f"rtsp://{here}:9/a"), frozenset({9}), codes=(1,))
    moved = f"http://{here}:{redirect}/live"
    yield Watched("a stream that has moved", (*few, moved), frozenset({redirect}), codes=(0, 1))
    with closing(socket.create_server((here, 0))) as free:
        page = free.getsockname()[1]
    yield Watched("a page", (*few, "demo", "--web", page), frozenset({page}))
    yield Watched(
        "a broker", (*few, "demo", "--mqtt", f"mqtt://{here}:{broker}"), frozenset({broker})
    )
    both = (*few, camera.url, "--mqtt", f"mqtt://{here}:{broker}", "--web", page + 1)
    yield Watched("stream, page, broker", both, stream | {page + 1, broker})


def _watch(watched: Watched) -> Result:
    """Run a command under strace, and say whom it talked to beside those that it may."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        trace = Path(folder) / ".trace"
        tracing: list[str | Path] = [
            "strace",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-e",
            f"trace={_CALLS}",
            "-o",
            trace,
        ]
        command = [*tracing, watched.python, *map(str, watched.words)]
        ending = run(command, Path(folder), seconds=60)
        calls = trace.read_text(errors="replace").splitlines()
    own = {found[3] for call in calls if (found := _ADDRESS.search(call)) and _is_own(found)}
    problems = sorted({problem for call in calls if (problem := _forbidden(call, watched, own))})
    if ending.code not in watched.codes:
        problems.append(f"exit code {ending.code}: {ending.err[-300:]!a}")
    return Result(
        "connections",
        watched.name,
        tuple(problems[:5]),
        failed=int(bool(problems)),
        code=ending.code,
        seconds=ending.seconds,
    )


def _is_own(found: re.Match[str]) -> bool:
    """Whether it is a port of this machine that the process has itself."""
    return found[1] == "getsockname" and found[4] == "127.0.0.1"


def _forbidden(call: str, watched: Watched, own: set[str]) -> str:
    """Say what of a system call is not allowed, "" for nothing; ``own`` are the process's ports.

    paho talks to itself through one; a port 0 is for an answer.
    """
    if not watched.ports and not watched.local:
        opened = _SOCKET.search(call)
        return f"opened a socket: {opened[1]}" if opened else ""
    found = _ADDRESS.search(call)
    if found is None or found[2] not in ("AF_INET", "AF_INET6"):
        return ""
    kind, _, port, host = found.groups()
    if kind == "getsockname" or port in own or (kind == "bind" and port == "0"):
        return ""
    here = host in ("127.0.0.1", "::1")
    return "" if here and (watched.local or int(port) in watched.ports) else f"{kind} {host}:{port}"


class _Redirect:
    """Says that what is asked for is on another port."""

    def __init__(self, other: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._answer = (
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n"
            b"Location: http://127.0.0.1:%d/live\r\n\r\n" % other
        )

    def __enter__(self) -> _Redirect:
        threading.Thread(target=_serve, args=(self._listener, self._reply), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _reply(self, client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(self._answer)


def _serve(listener: socket.socket, reply: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            client = listener.accept()[0]
        except OSError:  # closed
            return
        with client:
            try:
                reply(client)
            except OSError:  # it has gone
                continue
