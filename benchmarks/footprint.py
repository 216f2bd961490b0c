"""What a run costs a device besides time for each frame: its start, its memory, its disk."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.errors import WorkerError
from benchmarks.high_water import high_water_mb
from benchmarks.process import LIMIT_SECONDS
from benchmarks.reference import Pace
from benchmarks.uncertainty import percentile_intervals

_RUN = ("-m", "edge", "run", "--source", "demo", "--display", "off")
_STARTS = 5
_FRAMES = 1000
_POLL_SECONDS = 0.02
_BLOCK = 512  # bytes, of st_blocks


def measure(
    python: Path, seconds: float = 0.0, limit: float = LIMIT_SECONDS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the demo, headless, with the interpreter ``python`` of an edge environment.

    ``start_s`` is from the start of the process to the first line of results, the median of as
    many starts as ``seconds`` have time for, of five at least; ``memory_mb`` the greatest resident
    memory in a run of 1,000 frames (Linux alone); ``environment_mb`` what the environment takes up
    on disk. No run takes longer than ``limit`` seconds. Returns the figures, and the samples.
    Raises ``WorkerError``.
    """
    starts, pace = list[float](), Pace()
    while len(starts) < _STARTS or sum(starts) < seconds:
        starts.append(_seconds_to_first_result(python, limit))
        pace.take()
    memory = _peak_mb(python, limit)
    figures = {
        "start_s": statistics.median(starts),
        "starts": len(starts),
        "start_s_interval": percentile_intervals([[start] for start in starts])["p50"],
        "frames": _FRAMES,
        "memory_mb": memory,
        "environment_mb": disk_mb(python.parent.parent),
    }
    samples = {"start_s": starts, "pace_ms": pace.ms, "memory_mb": memory}
    return figures, {"subject": "a run", **samples}


def disk_mb(folder: Path) -> float:
    """What the files under ``folder`` take up on disk, in MB; links count as themselves."""
    files = (path.lstat() for path in folder.rglob("*"))
    return sum(file.st_blocks for file in files) * _BLOCK / 1e6


def _seconds_to_first_result(python: Path, limit: float) -> float:
    start = time.monotonic()
    with _started(python, ("--frames", "1")) as process, _watched(process, limit):
        assert process.stdout is not None
        seconds = next(
            (time.monotonic() - start for line in process.stdout if line.startswith("frame ")), None
        )
        process.communicate()  # to its end while it is watched: it may hang there, too
    if seconds is None or process.returncode:
        raise _failed(process)
    return seconds


def _peak_mb(python: Path, limit: float) -> float | None:
    """The kernel's high-water mark, asked until the process is gone."""
    peak = None
    with _started(python, ("--frames", str(_FRAMES))) as process, _watched(process, limit):
        assert process.stdout is not None
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        while process.poll() is None:
            peak = high_water_mb(process.pid) or peak
            time.sleep(_POLL_SECONDS)
        drain.join()
    if process.returncode:
        raise _failed(process)
    return peak


def _started(python: Path, arguments: Sequence[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen([str(python), *_RUN, *arguments], stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise WorkerError(
            f"{python}: expected the Python of an edge environment, found: {error.strerror}; "
            "run 'make run-edge' once"
        ) from error


@contextmanager
def _watched(process: subprocess.Popen[str], limit: float) -> Iterator[None]:
    """End a process that hangs: it must not be waited for for ever."""
    watchdog = threading.Timer(limit, process.kill)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _failed(process: subprocess.Popen[str]) -> WorkerError:
    return WorkerError(
        f"the demo ended with {process.returncode} (-9 where it took too long); its message stands "
        "above"
    )
