"""What a run costs a device besides time for each frame: its start, its memory, its disk."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import WorkerError
from benchmarks.measure import Probe, Series, interleave
from benchmarks.process import LIMIT_SECONDS, peak_rss_mb
from benchmarks.reference import Reference
from benchmarks.results import Footprint

RUN = ("-m", "edge", "run", "--source", "demo", "--display", "off")
_FRAMES = 1000
_POLL_SECONDS = 0.02


def measure(
    python: Path, rounds: int, run: Sequence[str] = RUN, limit: float = LIMIT_SECONDS
) -> tuple[Footprint, Series]:
    """Run the demo without a window by ``python``, the interpreter of an edge environment.

    ``run`` are its arguments, ``limit`` seconds end a run. Raises ``WorkerError``.
    """
    series = Series("start")
    first = (str(python), *run, "--frames", "1")
    probe = Probe(series, lambda: {"start": [_run(first, limit)[0]]}, Reference())
    probe.block()  # so that the files are in the cache
    interleave([probe], rounds)
    if series.error:
        raise WorkerError(series.error)
    _, memory = _run((str(python), *run, "--frames", str(_FRAMES)), limit)
    disk = disk_mb(python.parent.parent)
    return Footprint(series.summary("start"), _FRAMES, memory, round(disk, 1)), series


def disk_mb(folder: Path) -> float:
    """Return what the files under ``folder`` take up on disk in MB; links count as themselves."""
    return sum(path.lstat().st_blocks for path in folder.rglob("*")) * 512 / 1e6


def _run(command: Sequence[str], limit: float) -> tuple[float, float | None]:
    """Run to the end; return milliseconds to the first result, and the peak RSS in MB.

    The first line on standard output is that of the first result. Raises ``WorkerError``.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as messages:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=messages, text=True, errors="replace"
            )
        except OSError as error:
            raise WorkerError(
                f"{command[0]}: expected the Python of an edge environment, found: "
                f"{error.strerror}; run 'make run-edge' once"
            ) from error
        peaks: list[float | None] = [None]
        poll = threading.Thread(target=_poll, args=(process, limit, peaks))
        with process:
            assert process.stdout
            poll.start()
            line = process.stdout.readline()
            first = (time.perf_counter() - start) * 1e3
            process.stdout.read()
            poll.join()
        if process.returncode or not line:
            messages.seek(0)
            last = [each.strip() for each in messages if each.strip()][-1:] or ["no message"]
            raise WorkerError(
                f"expected that the demo runs to its end, found exit code {process.returncode} "
                f"({last[0]}); run 'make run-edge SOURCE=demo' to see why"
            )
    return first, peaks[-1]


def _poll(process: subprocess.Popen[str], limit: float, peaks: list[float | None]) -> None:
    """Note the peak RSS until the process ends, and end it after ``limit`` seconds."""
    until = time.monotonic() + limit
    while process.poll() is None:
        peaks.append(peak_rss_mb(process.pid) or peaks[-1])
        if time.monotonic() > until:
            process.kill()
        time.sleep(_POLL_SECONDS)
