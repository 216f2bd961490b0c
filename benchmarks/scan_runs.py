"""``run`` and ``scan`` as a user starts them, on some cores alone, measured from outside.

Start and imports of the process are not in the figures: ``run`` says its speed from the first frame
to the last, the parts of a scan say when each was done and how long it took.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import WorkerError
from benchmarks.process import peak_rss_mb
from edge.scan.results import SECONDS, parts, read_manifest

_LIMIT = 1800.0
"""Seconds for one run: five minutes of video on a slow device."""
_POLL = 0.1
_WORKER = b"spawn_main"
"""In the command line of a process of a scan that works on files."""


@dataclass(frozen=True, slots=True)
class Work:
    """Frames a second of the last file, the seconds of all files, and a worker's peak RSS."""

    fps: float
    seconds: float
    memory_mb: float | None = None


def run(clip: Path, cores: Sequence[int]) -> Work:
    """Run ``clip`` into a Parquet file, one frame at a time; raises ``WorkerError``."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("-o", f"{folder}/x.parquet", "--display", "off", "--parallel", "1")
        said = finished((sys.executable, "-m", "edge", "run", str(clip), *options), cores)
    return of_summary(said)


def of_summary(said: str) -> Work:
    """Return what the summary of a run says; raises ``WorkerError``."""
    frames = re.search(r"^frames +(\d+)$", said, re.MULTILINE)
    speed = re.search(r"^speed +([\d.]+) FPS$", said, re.MULTILINE)
    if not frames or not speed or not float(speed[1]):
        last = (said.split("\n") or [""])[-1]
        raise WorkerError(f"expected the summary of a run, found none in what it says ({last})")
    return Work(float(speed[1]), int(frames[1]) / float(speed[1]))


def scan(
    clips: Sequence[Path],
    workers: int,
    cores: Sequence[int],
    *options: str,
    watch: bool = False,
) -> Work:
    """Scan ``clips`` with so many processes and ``options``; with ``watch`` note their memory.

    Raises ``WorkerError``.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ("-o", folder, "--workers", str(workers), *options)
        peaks: dict[int, float] = {}
        command = (sys.executable, "-m", "edge", "scan", *map(str, clips), *options)
        finished(command, cores, (lambda process: note_peaks(process, peaks)) if watch else None)
        found = of_results(Path(folder))
    return Work(found.fps, found.seconds, round(max(peaks.values()), 1) if peaks else None)


def of_results(folder: Path) -> Work:
    """Return what the parts of a scan say; raises ``WorkerError`` where there are none."""
    done = []
    for path in parts(folder, SECONDS):
        manifest = read_manifest(path)
        if manifest and manifest["took"]:
            end = path.stat().st_mtime
            done.append((end - manifest["took"], end, manifest["frames"] / manifest["took"]))
    if not done:
        raise WorkerError("expected the results of a scan, found none; scan the clip to see why")
    # The first file of a process pays for what is loaded and opened with it.
    _, _, fps = max(done)
    return Work(fps, max(end for _, end, _ in done) - min(done)[0])


def note_peaks(process: int, peaks: dict[int, float]) -> None:
    """Note in ``peaks`` the peak RSS in MB of the workers of ``process``, by their number."""
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, thread.read_text().split()):
                if _WORKER in Path(f"/proc/{child}/cmdline").read_bytes():
                    peaks[child] = peak_rss_mb(child) or peaks.get(child, 0.0)


def finished(
    command: Sequence[str],
    cores: Sequence[int] = (),
    watch: Callable[[int], object] | None = None,
    limit: float = _LIMIT,
) -> str:
    """Run ``command`` to its end on ``cores``, by default all, and return its standard output.

    ``watch`` is called with the process ten times a second. Raises ``WorkerError`` where it fails
    or takes longer than ``limit`` seconds.
    """
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        with on_cores(cores):
            process = subprocess.Popen(
                command, stdout=said, stderr=complained, start_new_session=True
            )
        until = time.monotonic() + limit
        try:
            while process.poll() is None and time.monotonic() < until:
                if watch:
                    watch(process.pid)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        complained.seek(0)
        said.seek(0)
        if process.returncode:
            last = [line.strip() for line in complained if line.strip()][-1:] or ["no message"]
            raise WorkerError(
                f"expected that '{' '.join(command[1:4])}' ends within {limit:g} s, found exit "
                f"code {process.returncode} ({last[0]})"
            )
        return said.read()


@contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Have the processes that this thread starts in the body on ``cores`` alone, if any."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
