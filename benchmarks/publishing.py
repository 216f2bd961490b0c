"""What the live page and MQTT cost a run, and how soon the page shows a result.

Two runs on a paced camera, in turn: one alone, one with two viewers of the page and a broker.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.errors import WorkerError
from benchmarks.measure import Probe, Series, interleave
from benchmarks.process import Process
from benchmarks.publishing_worker import RATE
from benchmarks.results import Published, Publishing

_VIEWERS = 2
_STARTS_WITHIN = 10.0
"""Seconds that a server has to listen."""
_WARM_UP = 2
"""Blocks, so that memory and caches are those of a run that lasts."""


def measure(model: Path, rounds: int) -> tuple[Publishing, list[Series]]:
    """Measure with the file ``model``; raises ``WorkerError``, also where there is no broker."""
    with ExitStack() as stack:
        port, page = stack.enter_context(broker()), _free_port()
        options = (f"web={page}", f"mqtt=mqtt://127.0.0.1:{port}")
        plain = stack.enter_context(_worker(model))
        served = stack.enter_context(_worker(model, *options))
        _wait_for(page)
        for _ in range(_VIEWERS):
            stack.enter_context(_reading(page, "/stream.mjpg", _discard))
        ages: list[float] = []
        stack.enter_context(_reading(page, "/events", lambda reply: note_ages(reply, ages)))
        for _ in range(_WARM_UP):
            plain.ask("block")
            served.ask("block")
        ages.clear()
        names = ("alone", f"page with {_VIEWERS} viewers, MQTT")
        probes = [_probe(name, worker) for name, worker in zip(names, (plain, served), strict=True)]
        interleave(probes, rounds)
        memory = [worker.rss_mb() for worker in (plain, served)]
        for probe in probes:
            if probe.series.error:
                raise WorkerError(probe.series.error)
    rows = [
        Published(
            probe.series.name, probe.series.summary("frame"), probe.series.summary("latency"), peak
        )
        for probe, peak in zip(probes, memory, strict=True)
    ]
    cuts = statistics.quantiles(ages, n=20)
    page_ms = round(statistics.median(ages), 1), round(cuts[-1], 1)
    return Publishing(RATE, rows, len(ages), *page_ms), [probe.series for probe in probes]


@contextmanager
def _worker(model: Path, *options: str) -> Iterator[Process]:
    command = (sys.executable, "-m", "benchmarks.publishing_worker", str(model), *options)
    with Process(command) as worker:
        worker.reply()
        yield worker


def _probe(name: str, worker: Process) -> Probe:
    def block() -> Mapping[str, Sequence[float]]:
        return worker.ask("block")

    return Probe(Series(name), block, lambda: list(worker.ask("reference")["ms"]))


@contextmanager
def broker(name: str = "mosquitto", settings: str = "") -> Iterator[int]:
    """Run mosquitto on a free port, which is yielded; raises ``WorkerError``.

    ``settings`` are more lines of its own.
    """
    program = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        raise WorkerError("expected mosquitto, found none; run 'apt install mosquitto'")
    port = _free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n{settings}")
        config.flush()
        command = (program, "-c", config.name)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise WorkerError(f"expected that port {port} is served, found that it is not")


@contextmanager
def _reading(port: int, path: str, read: Callable[[Any], None]) -> Iterator[None]:
    """Read what ``path`` sends on a thread until the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    reply = connection.getresponse()
    thread = threading.Thread(target=read, args=(reply,), daemon=True)
    thread.start()
    yield
    with suppress(OSError):
        if connection.sock:
            connection.sock.shutdown(socket.SHUT_RDWR)
    thread.join()
    connection.close()


def _discard(reply: http.client.HTTPResponse) -> None:
    with suppress(OSError, http.client.HTTPException):
        while reply.read1(1 << 16):
            pass


def note_ages(reply: BinaryIO, ages: list[float]) -> None:
    """Add the milliseconds from the capture of each result in ``reply`` to its arrival here."""
    with suppress(OSError, http.client.HTTPException, ValueError):
        while line := reply.readline():
            if line.startswith(b"data: ") and (result := json.loads(line[6:]).get("result")):
                captured = datetime.fromisoformat(result["wall_time"]).timestamp()
                ages.append((time.time() - captured) * 1e3)
