"""Starts hundreds of runs fast: a process that has imported the product forks for each.

Every run is the real command line in a process of its own, which ends as Python ends. What is not
the same is how it starts; that is attacked with processes of their own (``child.run``).
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.attack.case import EDGE_PYTHON
from tests.attack.child import ROOT, environment

_TICK = 0.002
OUT, ERR = ".out", ".err"
"""Files of standard output and standard error, after the name of a run."""


class Run:
    """A process of the command line; ``code`` and ``ended_at`` are there once it has ended."""

    def __init__(self, folder: Path, name: str) -> None:
        """``name`` tells it from other runs in ``folder``."""
        self.folder, self.name = folder, name
        self.pid = 0
        self.code: int | None = None
        self.ended_at = 0.0
        self.known, self.ended = threading.Event(), threading.Event()

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self.ended.is_set():
            with suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, number)

    def text(self, kind: str) -> str:
        """What it said: ``OUT`` or ``ERR``."""
        path = self.folder / f"{self.name}{kind}"
        return path.read_text(errors="replace") if path.exists() else ""  # it was ended before it


def listens(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM now."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended
        return False
    caught = status.partition("SigCgt:")[2].split()
    return bool(caught) and bool(int(caught[0], 16) >> (signal.SIGTERM - 1) & 1)


class Starter:
    """Starts runs by ``python``, and knows how they ended."""

    def __init__(self, python: Path = EDGE_PYTHON) -> None:
        """Start nothing yet."""
        self._python = python

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self._python, "-m", "tests.attack.starter"],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    def start(self, words: Sequence[object], folder: Path, name: str = "run") -> Run:
        """Start ``edge`` with ``words`` in ``folder``; its outputs go to NAME.out and NAME.err."""
        run = Run(folder, name)
        key = f"{folder}/{name}"
        order = {"key": key, "words": [*map(str, words)], "folder": str(folder)}
        with self._lock:
            self._runs[key] = run
            assert self._process.stdin
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        assert run.known.wait(30), "the starter is gone"
        return run

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            told = json.loads(line)
            run = self._runs[told["key"]]
            if "pid" in told:
                run.pid = told["pid"]
                run.known.set()
            else:
                run.code, run.ended_at = told["code"], time.monotonic()
                run.ended.set()
                with self._lock:
                    self._runs.pop(told["key"])


class _StandIn:
    """A camera; with a ``delay`` its native reads take long."""

    fps, format = 25.0, "MJPG"

    def __init__(self, delay: float) -> None:
        import numpy as np

        self._image = np.full((180, 320, 3), 90, np.uint8)
        self._delay = delay

    def read(self) -> Any:
        # A call that holds no lock of Python's: it comes back whatever Python does by then.
        ctypes.CDLL(None).usleep(int(self._delay * 1e6))
        return self._image

    def release(self) -> None:
        """There is nothing to release."""


def _register_stand_ins() -> None:
    from edge import sources
    from edge.adapters import SourceAdapter
    from edge.sources.live import LiveSource

    delays = {"stand-in": 0.04, "stand-in-slow": 1.2}
    adapter = SourceAdapter(
        "stand-in",
        matches=lambda address: address in delays,
        open=lambda address, _, __: LiveSource(lambda: _StandIn(delays[address]), address),
        check=lambda address, _, __: address,
    )
    sources.ADAPTERS = (adapter, *sources.ADAPTERS)


def _serve() -> None:
    """Fork for every order; in the child, return. Exit once there are no more."""
    running: dict[int, str] = {}
    rest, over = b"", False
    while running or not over:
        readable = [] if over else select.select([0], [], [], _TICK)[0]
        if over:
            time.sleep(_TICK)
        if readable:
            data = os.read(0, 1 << 16)
            over = not data
            for pid in running if over else ():  # nobody is there any more who could end them
                os.kill(pid, signal.SIGKILL)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if (pid := os.fork()) == 0:
                    _become(order)
                    return
                running[pid] = order["key"]
                print(json.dumps({"key": order["key"], "pid": pid}), flush=True)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            ended = {"key": running.pop(pid), "code": os.waitstatus_to_exitcode(status)}
            print(json.dumps(ended), flush=True)
    os._exit(0)


def _become(order: dict[str, Any]) -> None:
    """Turn this process, which was forked, into the run of ``order``."""
    os.setsid()
    os.chdir(order["folder"])
    paths = (os.devnull, order["key"] + OUT, order["key"] + ERR)
    for number, path in enumerate(paths):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.argv = ["expressions", *order["words"]]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as the first line of ``main`` sets it
    import av  # noqa: F401
    import PIL.Image  # noqa: F401

    import edge.cli  # noqa: F401
    from edge.__main__ import main

    _register_stand_ins()
    _serve()
    sys.exit(main())
