"""What the scheduler of a scan costs a file: a scan of files that take no time at all.

``python -m benchmarks.scan_scheduling FILES…`` prints a ``Cost`` for each number as JSON. It is a
process of its own, as its time and its memory are those of scheduler and client.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.errors import WorkerError
from benchmarks.process import peak_rss_mb
from benchmarks.scan_runs import finished
from edge.recognizer import usable_cores
from edge.scan.inputs import Input, part_name
from edge.scan.moments import Moment
from edge.scan.results import Manifest
from edge.scan.scan import Workers
from edge.scan.settings import ScanSettings
from edge.scan.work import Engine, Outcome, Tell
from edge.vision.interpreter import read_model_file

WORKERS = 2
_FIRST = 100
"""Files that are not counted: with them the workers import what they need."""
Clock = Callable[[], float]
_LABELS = ("angry", "fear", "happy", "neutral", "surprise")
"""Of whose moments a usual manifest tells."""


class Cost(Struct, frozen=True):
    """Of ``files`` in one scan, for each: processor time of the scan's own process, and time.

    ``memory_mb`` is the process's peak RSS.
    """

    files: int
    cpu_ms: float
    wall_ms: float
    memory_mb: float | None


class Idle(Engine):
    """Does nothing, and tells of it at the usual length."""

    def scan(self, file: Input, tell: Tell) -> Outcome:
        """Return a manifest of a file that was not looked at."""
        return Outcome(file, "done", manifest=_manifest(file))


def measure(counts: Sequence[int]) -> list[Cost]:
    """Return the cost of scans of so many files; raises ``WorkerError``."""
    command = (sys.executable, "-m", "benchmarks.scan_scheduling", *map(str, counts))
    return msgspec.json.decode(finished(command), type=list[Cost])


def cost(
    workers: Workers,
    count: int,
    cpu: Clock = time.process_time,
    clock: Clock = time.monotonic,
) -> Cost:
    """Scan ``count`` files with ``workers``; raises ``WorkerError`` where one is missing."""
    files = [_input(number) for number in range(count)]
    began = cpu(), clock()
    done = sum(outcome.kind == "done" for outcome in workers.scan(files, _not_told))
    spent, took = cpu() - began[0], clock() - began[1]
    if done < count:
        raise WorkerError(f"expected that {count} files are done, found {done}")
    memory = peak_rss_mb(os.getpid())
    return Cost(count, round(1e3 * spent / count, 4), round(1e3 * took / count, 4), memory)


def _not_told(file: Input, share: float) -> None:
    """No file takes long enough to tell of."""


def main(counts: Sequence[int]) -> None:
    """Print the costs."""
    from edge.scan.cluster import open_cluster  # noqa: PLC0415 - an option, and slow to import

    with tempfile.TemporaryDirectory() as folder:
        workers = min(WORKERS, usable_cores())
        settings = ScanSettings(("archive",), output=Path(folder), workers=workers)
        model = read_model_file(settings.model_path)
        with open_cluster(settings, model, settings.output, max(counts), Idle) as cluster:
            cost(cluster, _FIRST)
            costs = [cost(cluster, count) for count in counts]
    print(msgspec.json.encode(costs).decode())


def _input(number: int) -> Input:
    path = Path(f"/archive/{number // 100:04}/recording-{number:06}.mp4")
    return Input(path, str(path), part_name(path), (number, number))


def _manifest(file: Input) -> Manifest:
    box = [101.5, 77.25, 143.0, 120.75]
    return Manifest(
        source=file.source,
        part=file.part,
        path=str(file.path),
        fingerprint=list(file.fingerprint),
        kind="video",
        width=1920,
        height=1080,
        fps=29.97,
        length=61.2,
        frames=1834,
        faces=2960,
        people=4,
        damaged="",
        undecodable=0,
        took=12.345,
        moments=[Moment(label=name, time=12.34, score=0.987, track=3, box=box) for name in _LABELS],
    )


if __name__ == "__main__":
    # Under this name the workers know its classes.
    from benchmarks import scan_scheduling  # noqa: PLW0406

    scan_scheduling.main([int(each) for each in sys.argv[1:]])
