"""A stream that is lost a thousand times comes back each time, and nothing grows."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.case import EDGE_PYTHON, Result
from tests.attack.child import ROOT, environment
from tests.attack.servers import Listener

_DROPS, _WORKERS = 1000, 4
_REAL = 12
"""Drops of a run of the command line, which pauses for a second after each."""
_SETTLED = 0.3
"""The share of the drops after which nothing is to grow any more."""
_MOST_MIB, _MOST_HANDLES, _MOST_THREADS = 6.0, 3, 3
_STUCK = 30.0
"""Seconds without a connection after which it has not come back."""


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a result for the source alone, and one for the command line."""
    del seed  # the kinds of drops take turns
    workers = 2 if sample else _WORKERS
    drops = 40 if sample else _DROPS // _WORKERS
    with ThreadPoolExecutor(workers + 1) as pool:
        real = pool.submit(_lose_run, 2 if sample else _REAL)
        found = list(pool.map(_lose_source, [drops] * workers))
        problems = [problem for each in found for problem in each]
        failed = drops * sum(map(bool, found))
        yield Result("reconnects", "the source", tuple(problems[:5]), drops * workers, failed)
        yield real.result()


class Dropping(Listener):
    """An HTTP stream of JPEG that sends a few pictures to each who comes, and then is gone.

    The connection is closed, reset, cut within a picture, or all that comes is nonsense.
    """

    def __init__(self, picture: bytes) -> None:
        """Send ``picture``, a JPEG."""
        super().__init__(self._serve)
        self.taken = 0
        self.taken_at = time.monotonic()
        part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
        self._part = part + picture + b"\r\n"

    def _serve(self, client: socket.socket) -> None:
        self.taken, self.taken_at = self.taken + 1, time.monotonic()
        client.recv(65536)
        number = self.taken
        kind = number % 5
        if kind == 4 and number > 4:
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\nno stream at all" if number % 2 else b"\0" * 99)
            return
        mixed = b"multipart/x-mixed-replace; boundary=x"
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: " + mixed + b"\r\n\r\n")
        client.sendall(self._part * 6)
        if kind == 1:
            client.sendall(self._part[: len(self._part) // 2])
        if kind == 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind == 3:
            client.sendall(self._part[:20])


def _lose_source(drops: int) -> list[str]:
    """Let a process open a stream so many times; return what is wrong."""
    with _dropping() as server:
        process = subprocess.Popen(
            [EDGE_PYTHON, "-m", "tests.attack.reconnects", str(server.port), str(drops)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.taken_at = time.monotonic()
        while process.poll() is None and time.monotonic() - server.taken_at < _STUCK:
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            process.communicate()
            return [f"did not come back after {server.taken} of {drops} drops"]
        out, err = process.communicate()
    if process.returncode or "Traceback" in err:
        return [f"exit code {process.returncode}: {err[-300:]!a}"]
    return list(_grown([json.loads(line) for line in out.splitlines()]))


def _grown(samples: list[list[float]]) -> Iterator[str]:
    settled, last = samples[int(_SETTLED * len(samples)) :], samples[-1]
    for number, (what, most) in enumerate(
        (("MiB", _MOST_MIB), ("descriptors", _MOST_HANDLES), ("threads", _MOST_THREADS))
    ):
        if (grown := last[number] - min(each[number] for each in settled[:3])) > most:
            yield f"{grown:g} more {what} at the end, {last[number]:g} in all"


def _lose_run(drops: int) -> Result:
    """Do the same to a run, whose pauses are those of the product."""
    problems = []
    with _dropping() as server, tempfile.TemporaryFile("w+") as said:
        address = f"http://127.0.0.1:{server.port}/live"
        process = subprocess.Popen(
            [EDGE_PYTHON, "-m", "edge", "run", address, "--display", "off"],
            cwd=ROOT,
            env=environment(),
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        server.taken_at = time.monotonic()
        while server.taken <= drops and time.monotonic() - server.taken_at < _STUCK:
            time.sleep(0.05)
        if server.taken <= drops or process.poll() is not None:
            problems.append(f"came back {server.taken - 1} of {drops} times")
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        said.seek(0)
        text = said.read()
    if code or "Traceback" in text:
        problems.append(f"exit code {code}: {text[-300:]!a}")
    return Result("reconnects", "a run", tuple(problems), drops, drops * bool(problems), code)


def _dropping() -> Dropping:
    from tests.edge.sources.network_camera import PICTURE

    return Dropping(PICTURE.tobytes())


def _open_again_and_again(port: int, drops: int) -> None:
    """Read what ``Dropping`` sends until it was opened so often; print what it took."""
    from edge.sources.live import LiveSource
    from edge.sources.stream import StreamCapture

    opened = itertools.count(1)
    count = 0

    def open_capture() -> StreamCapture:
        nonlocal count
        count = next(opened)
        return StreamCapture(f"http://127.0.0.1:{port}/live", "stream")

    told = 0
    with LiveSource(open_capture, "stream", pauses=(0.01,)) as source:
        for _ in source:
            if count - told >= max(drops // 20, 1):
                told = count
                print(json.dumps(_size()), flush=True)
            if count > drops:
                return


def _size() -> tuple[float, int, int]:
    """MiB resident, descriptors and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    handles = len(list(Path("/proc/self/fd").iterdir()))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, handles, threading.active_count()


if __name__ == "__main__":
    _open_again_and_again(*map(int, sys.argv[1:]))
