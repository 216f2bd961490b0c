"""Scans as they are measured: rounds, what runs and parts say, cores and memory of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import av
import pytest

from benchmarks import scan_runs, scan_scheduling, scanning
from benchmarks.errors import WorkerError
from benchmarks.scan_clips import FPS, LOOP, write_clip
from benchmarks.scan_runs import Work, finished, of_results, of_summary
from benchmarks.scanning import ONE, RUN, interleave
from edge.scan.inputs import Input
from edge.scan.results import METADATA, SECONDS, Manifest
from edge.scan.work import Outcome
from edge.sinks.columns import Columns
from edge.sinks.table import second_table
from tests.benchmarks.samples import scanning as sample

SAID = """
demo · starting
frames       600
people       2: happy 50.0%; certain in 100.0%
speed        120.5 FPS
stage          p50 ms   p95 ms   p99 ms
"""


def test_a_summary_says_frames_and_speed() -> None:
    work = of_summary(SAID)
    assert work.fps == 120.5
    assert work.seconds == pytest.approx(600 / 120.5)


@pytest.mark.parametrize("said", ["", "frames       600\n", SAID.replace("120.5", "0.0")])
def test_a_run_without_a_summary_is_an_error(said: str) -> None:
    with pytest.raises(WorkerError, match="expected the summary of a run"):
        of_summary(said)


def write_part(folder: Path, name: str, end: float, took: float, frames: int) -> None:
    path = folder / SECONDS / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        columns = Columns(second_table(["happy"]), file)
        manifest = dict.fromkeys(Manifest.__required_keys__) | {"took": took, "frames": frames}
        columns.close({METADATA: json.dumps(manifest)})
    os.utime(path, (end, end))


def test_parts_say_the_speed_of_the_last_and_the_time_of_all(tmp_path: Path) -> None:
    write_part(tmp_path, "b-first", end=1010.0, took=6.0, frames=600)
    write_part(tmp_path, "a-second", end=1016.5, took=6.25, frames=500)
    assert of_results(tmp_path) == Work(80.0, 12.5)
    with pytest.raises(WorkerError, match="expected the results of a scan"):
        of_results(tmp_path / "none")


def test_a_clip_has_its_length_and_can_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, 2 * LOOP, (128, 96))
    with av.open(str(path)) as clip:
        times = [frame.time for frame in clip.decode(video=0)]
    assert times == pytest.approx([n / FPS for n in range(2 * LOOP * FPS)], abs=1e-3)


def test_a_process_is_on_its_cores_alone() -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    code = "import os; print(*os.sched_getaffinity(0))"
    assert finished((sys.executable, "-c", code), [core]).split() == [str(core)]
    assert os.sched_getaffinity(0) == before
    assert set(map(int, finished((sys.executable, "-c", code)).split())) == before


def test_a_process_that_fails_or_hangs_is_one_line() -> None:
    with pytest.raises(WorkerError, match=r"found exit code 1 \(no clip\)"):
        finished((sys.executable, "-c", "raise SystemExit('no clip')"))
    start = time.monotonic()
    with pytest.raises(WorkerError, match="exit code -9"):
        finished((sys.executable, "-c", "import time; time.sleep(600)"), limit=0.3)
    assert time.monotonic() - start < 60


CHILDREN = """
import subprocess, sys
code = "kept = bytearray(60 << 20); print(flush=True); import sys; sys.stdin.read()"
names = ("spawn_main", "another")
children = [
    subprocess.Popen([sys.executable, "-c", code, name], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE)
    for name in names
]
for child in children:
    child.stdout.readline()
print(flush=True)
sys.stdin.read()
"""


def test_the_peaks_are_those_of_the_workers() -> None:
    peaks: dict[int, float] = {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", CHILDREN], **pipes) as process:
        assert process.stdout
        process.stdout.readline()
        scan_runs.note_peaks(process.pid, peaks)
        process.communicate()
    (peak,) = peaks.values()
    assert 60 < peak < 120
    scan_runs.note_peaks(process.pid, peaks)
    assert list(peaks.values()) == [peak]


def test_every_way_is_measured_in_every_round_another_one_first() -> None:
    order: list[str] = []

    def way(name: str) -> Callable[[], Work]:
        def measured() -> Work:
            order.append(name)
            return Work(10.0 + len(order), 2.0)

        return measured

    found = interleave({name: way(name) for name in "abc"}, 3)
    assert "".join(order) == "abcbcacab"
    assert [(each.name, each.fps) for each in found] == [
        ("a", [11.0, 16.0, 18.0]),
        ("b", [12.0, 14.0, 19.0]),
        ("c", [13.0, 15.0, 17.0]),
    ]


def test_a_ratio_is_of_the_same_round() -> None:
    found = sample()
    ratio = found.against_run
    assert ratio is not None
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((0.9, 0.95, 1.2))
    two = found.two_workers
    assert two is not None
    assert two.value == pytest.approx(1.8)
    assert found.against_fer is None
    assert (found.fps(RUN), found.fps(ONE)) == (100, 95)


class Quick:
    """Workers that do a file in a millisecond of the clocks that they move."""

    def __init__(self, lost: int = 0) -> None:
        self.cpu = self.time = 5.0
        self._lost = lost

    def scan(self, files: Sequence[Input], told: object) -> Iterator[Outcome]:
        assert len({file.part for file in files}) == len(files)
        for number, file in enumerate(files):
            self.cpu += 0.0005
            self.time += 0.001
            yield Outcome(file, "failed" if number < self._lost else "done")


def test_the_cost_is_that_of_a_file() -> None:
    quick = Quick()
    found = scan_scheduling.cost(quick, 40, lambda: quick.cpu, lambda: quick.time)
    assert (found.files, found.cpu_ms, found.wall_ms) == (40, 0.5, 1.0)
    with pytest.raises(WorkerError, match="expected that 40 files are done, found 39"):
        scan_scheduling.cost(Quick(lost=1), 40)


@pytest.mark.slow
def test_a_scheduler_is_measured_in_a_process_of_its_own() -> None:
    few, many = scan_scheduling.measure([20, 40])
    assert (few.files, many.files) == (20, 40)
    assert 0 < many.cpu_ms < 1000
    assert many.wall_ms > 0
    assert many.memory_mb is not None
    assert many.memory_mb > 30


def test_fer_is_measured_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ways: dict[str, Callable[[], Work]] = {}
    with ExitStack() as stack:
        assert scanning._add_fer(ways, Path("clip.mp4"), [0], stack) is None
    assert ways == {}
