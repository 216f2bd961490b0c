"""A run with a live page, to be attacked, and what is sent to it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from tests.attack.case import EDGE_PYTHON, PATIENCE
from tests.attack.child import environment

ANSWERS_WITHIN = 1.0 * PATIENCE
"""Seconds in which a good request is answered."""
_STARTS_WITHIN = 30.0
_MOST_GROWTH = 48.0
"""MiB that a page may grow by, whatever is sent to it."""
_MOST_READ = 4 << 20
HOST = "127.0.0.1"


class Page:
    """The demo with a page of its own; ``token`` says whether it asks for one."""

    def __init__(self, token: bool = False) -> None:
        """Start nothing yet."""
        self.token = token
        self.base_mib = 0.0
        self._frames = -1.0

    def __enter__(self) -> Self:
        with closing(socket.create_server((HOST, 0))) as free:
            self.port: int = free.getsockname()[1]
        self.folder = Path(tempfile.mkdtemp(prefix="attack-"))
        web = ["--web", f"{HOST}:{self.port}"]
        web += ["--web.token-file", "token"] if self.token else []
        self._said = (self.folder / ".said").open("w+")
        self._process = subprocess.Popen(
            [EDGE_PYTHON, "-m", "edge", "run", "demo", "--display", "off", *web],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )
        until = time.monotonic() + _STARTS_WITHIN
        while not self._begun() and time.monotonic() < until:
            time.sleep(0.05)
        for path in ("/snapshot.jpg", "/metrics", "/", "/result.json"):  # loads what they need
            self.ask(self.request(path))
        self.base_mib = self.mib
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._said.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begun(self) -> bool:
        try:
            answer = self.ask(self.get("/healthz", "Connection: close"))
        except OSError:
            return False
        return b" 401 " in answer[:20] or b" 200 " in answer[:20]

    @property
    def mib(self) -> float:
        """What it has in memory, 0 where it has ended."""
        if self._process.poll() is not None:
            return 0.0
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def secret(self) -> str:
        """Its token, empty where it wants none."""
        return (self.folder / "token").read_text().strip() if self.token else ""

    def get(self, path: str, *headers: str, host: str = "") -> bytes:
        """Return a request."""
        lines = (f"GET {path} HTTP/1.1", f"Host: {host or f'{HOST}:{self.port}'}", *headers)
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1", "replace")

    def request(self, path: str) -> bytes:
        """Return a request that is let in."""
        more = [f"Authorization: Bearer {self.secret}"] if self.token else []
        return self.get(path, *more, "Connection: close")

    def connect(self, receive: int = 0, seconds: float = 5.0) -> socket.socket:
        """Return a connection; ``receive`` is the size of the buffer of who does not read."""
        client = socket.socket()
        if receive:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.settimeout(seconds)
        try:
            client.connect((HOST, self.port))
        except OSError:
            client.close()
            raise
        return client

    def ask(self, request: bytes, seconds: float = 5.0, half: bool = False) -> bytes:
        """Send ``request`` and return all of the answer; ``half`` closes our side after it."""
        with closing(self.connect(seconds=seconds)) as client:
            with suppress(OSError):  # it may hang up before it has read all
                client.sendall(request)
                if half:
                    client.shutdown(socket.SHUT_WR)
            return b"".join(_received(client, seconds))

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the run now."""
        if self._process.poll() is not None:
            yield f"the run ended with {self._process.returncode}: {self.said[-300:]!a}"
            return
        good = b"HTTP/1.1 200" if not self._locked() else b"HTTP/1.1 429"
        answer, began = b"", time.monotonic()
        while not answer.startswith(good) and time.monotonic() - began < ANSWERS_WITHIN:
            with suppress(OSError):  # connections that were closed a moment ago may still count
                answer = self.ask(self.request("/healthz"), ANSWERS_WITHIN)
        if not answer.startswith(good) or time.monotonic() - began > ANSWERS_WITHIN:
            yield f"a good request then got {answer[:80]!r}"
        if (grown := self.mib - self.base_mib) > _MOST_GROWTH:
            yield f"grew by {grown:.0f} MiB"
        if not self._locked() and not self._goes_on():
            yield "the run stands still"
        if "Traceback" in self.said or len(self.said.splitlines()) > 1:
            yield f"said {self.said[-300:]!a}"

    def _goes_on(self) -> bool:
        before, until = self._frames, time.monotonic() + 2
        while time.monotonic() < until:
            found = re.search(
                rb"frames_total{[^}]*} ([0-9.e+]+)", self.ask(self.request("/metrics"))
            )
            self._frames = float(found[1]) if found else before
            if self._frames > before:
                return True
            time.sleep(0.05)
        return False

    def _locked(self) -> bool:
        """Whether this address has guessed too often."""
        return self.token and b" 429 " in self.ask(self.request("/healthz"))[:20]

    @property
    def said(self) -> str:
        """Its standard error."""
        return (self.folder / ".said").read_text(errors="replace")

    def end(self) -> str:
        """End the run; return what is wrong with that."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(3)
        except subprocess.TimeoutExpired:
            return "did not end within 3 s"
        return "" if code == 0 else f"exit code {code}"


def _received(client: socket.socket, seconds: float) -> Iterator[bytes]:
    until, size = time.monotonic() + seconds, 0
    with suppress(OSError):
        while time.monotonic() < until and size < _MOST_READ:
            client.settimeout(max(until - time.monotonic(), 0.01))
            if not (data := client.recv(65536)):
                return
            size += len(data)
            yield data
