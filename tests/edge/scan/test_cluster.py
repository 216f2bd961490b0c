"""Workers that are processes: what they find, what if they die, and who is refused."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from distributed import Client

from edge import __version__
from edge.errors import ScanError
from edge.scan.cluster import Cluster, Job, open_cluster
from edge.scan.inputs import Input, find_inputs
from edge.scan.results import FAILURES, FRAMES, SECONDS, parts
from edge.scan.scan import Scan, open_workers
from edge.scan.settings import ScanSettings
from edge.scan.work import Engine, Outcome, Tell
from tests.edge.clips import write_change
from tests.edge.scan.archive import LABELS, copies, rows, scan, write_archive

pytestmark = pytest.mark.slow
WAIT = 60
"""Seconds in which what is waited for should come by far."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "change.mp4"
    write_change(path, frames=10)
    return path


class Started:
    """A program in a process of its own; what it says is kept."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def ended(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=WAIT)
        return self.process.returncode, out

    def workers(self) -> list[int]:
        """Its processes that work on files."""
        found = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return [int(line.split()[0]) for line in found.splitlines() if "spawn_main" in line]


@contextmanager
def started(*arguments: object) -> Iterator[Started]:
    one = Started(*arguments)
    try:
        yield one
    finally:
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.communicate()


def wait_until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    write_archive(tmp_path / "a")
    assert scan(tmp_path / "a", tmp_path / "one") == 0
    settings = ScanSettings((str(tmp_path / "a"),), output=tmp_path / "two", workers=2)
    said: list[str] = []
    assert Scan(settings, LABELS, said.append).run() == 0
    assert rows(tmp_path / "two") == rows(tmp_path / "one")
    assert rows(tmp_path / "two", SECONDS) == rows(tmp_path / "one", SECONDS)
    assert said[0] == "5 files"
    assert said[1].startswith("3 files scanned, 0 done before, 0:00:01 of video")
    assert said[2:4] == [
        "1 failed or are damaged, see failures.csv",
        "1 other file, neither pictures nor videos",
    ]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_ended_scan_leaves_nothing_torn_and_goes_on(
    clip: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    copies(tmp_path / "a", clip, 12)
    results = tmp_path / "r"
    command = "edge", "scan", tmp_path / "a", "-o", results, "--workers", 2
    with started(*command) as one:
        wait_until(lambda: parts(results, SECONDS))
        workers = one.workers()
        assert len(workers) == 2
        kill = os.kill if ending == signal.SIGKILL else os.killpg  # as a terminal does
        kill(one.process.pid, ending)
        code, said = one.ended()
    if ending == signal.SIGKILL:
        assert code == -ending
    else:
        assert code == 130
        assert said.splitlines()[1:] == ["stopped; the same command goes on from here"]
        assert not list(results.glob("*/.*.part"))
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    done = len(parts(results, SECONDS))
    assert 0 < done < 12
    with started(*command) as again:
        code, said = again.ended()
    assert code == 0, said
    assert f"12 files, {done} of them done" in said
    assert not list(results.glob("*/.*.part"))
    assert scan(tmp_path / "a", tmp_path / "whole") == 0
    assert rows(results) == rows(tmp_path / "whole")


class Deadly(Engine):
    """Dies of files that are called so."""

    def scan(self, file: Input, tell: Tell) -> Outcome:
        if "deadly" in file.source:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().scan(file, tell)


def test_a_file_that_kills_three_workers_is_set_aside(clip: Path, tmp_path: Path) -> None:
    copies(tmp_path / "a", clip, 4)
    (tmp_path / "a" / "clip002.mp4").rename(tmp_path / "a" / "deadly.mp4")
    settings = ScanSettings((str(tmp_path / "a"),), output=tmp_path / "r", workers=2)
    deadly = partial(open_cluster, engine=Deadly)
    assert Scan(settings, LABELS, lambda line: None, deadly).run() == 1
    assert (tmp_path / "r" / FAILURES).read_text().splitlines()[1:] == [
        "a/deadly.mp4,set aside: 3 workers died of it"
    ]
    assert len(parts(tmp_path / "r", SECONDS)) == 3


def test_workers_of_another_version_are_refused(clip: Path, tmp_path: Path) -> None:
    settings = ScanSettings((str(clip),), output=tmp_path / "r")
    job = Job(settings, settings.model_path.read_bytes(), tmp_path, topic="a")
    later = replace(job, version="9.9")
    expected = rf"worker tcp:.*: expected edge-expressions 9.9, found {__version__}; install"
    with nodes(tmp_path / "nodes") as (address, _), Client(address) as client:
        client.wait_for_workers(2)
        with pytest.raises(ScanError, match=expected):
            Cluster(client, later)
        joined = Cluster(client, job)
        joined._job = later  # as for a worker that has come since
        with pytest.raises(ScanError, match=expected):
            list(joined.scan(find_inputs(settings.source, print), print))


def test_a_scheduler_that_goes_ends_the_scan(clip: Path, tmp_path: Path) -> None:
    copies(tmp_path / "a", clip, 20)
    for name in (FRAMES, SECONDS):
        (tmp_path / "r" / name).mkdir(parents=True)
    with nodes(tmp_path / "nodes") as (address, machines):
        settings = ScanSettings((str(tmp_path / "a"),), output=tmp_path / "r", cluster=address)
        model = settings.model_path.read_bytes()
        with open_workers(settings, model, tmp_path / "r", 20) as workers:
            outcomes = workers.scan(find_inputs(settings.source, print), print)
            assert next(outcomes).kind == "done"
            machines[0].process.send_signal(signal.SIGKILL)
            with pytest.raises(ScanError, match="found that it has gone; the same command goes on"):
                list(outcomes)


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        settings = ScanSettings(("a",), cluster=address)
        start = time.monotonic()
        with (
            pytest.raises(ScanError, match=f"{address}: expected a Dask scheduler that answers"),
            open_workers(settings, b"", tmp_path, 1),
        ):
            pass
    assert time.monotonic() - start < 20
    for address in ("tcp://127.0.0.1:1", "nonsense", "tls://127.0.0.1:1"):
        with (
            pytest.raises(ScanError, match=f"{address}: expected a Dask scheduler that answers"),
            open_workers(ScanSettings(("a",), cluster=address), b"", tmp_path, 1),
        ):
            pass


@contextmanager
def nodes(folder: Path, count: int = 2) -> Iterator[tuple[str, list[Started]]]:
    """A scheduler and ``count`` machines with a worker each, all here; the address."""
    folder.mkdir()
    file = folder / "scheduler.json"
    quiet = "--no-dashboard", "--no-show"
    with started(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", 0,
        "--scheduler-file", file, *quiet,
    ) as scheduler:  # fmt: skip
        wait_until(file.exists)
        found = re.search(r"tcp://127\.0\.0\.1:\d+", file.read_text())
        assert found
        with ExitStack() as stack:
            machines = [
                stack.enter_context(started(*_worker(found[0], folder / f"node{n}")))
                for n in range(count)
            ]
            yield found[0], [scheduler, *machines]


def _worker(address: str, folder: Path) -> tuple[object, ...]:
    options = "--nthreads", 1, "--host", "127.0.0.1", "--no-dashboard"
    return "distributed.cli.dask_worker", address, *options, "--local-directory", folder


def test_killed_workers_of_a_cluster_change_nothing(clip: Path, tmp_path: Path) -> None:
    copies(tmp_path / "a", clip, 60)
    assert scan(tmp_path / "a", tmp_path / "whole") == 0
    chosen, kills = random.Random(0), 0
    with nodes(tmp_path / "nodes") as (address, machines):
        ended = threading.Event()

        def kill() -> None:
            nonlocal kills
            while not ended.wait(chosen.uniform(0.5, 2)):
                workers = [pid for machine in machines[1:] for pid in machine.workers()]
                if workers and parts(tmp_path / "r", SECONDS) and kills < 6:
                    os.kill(chosen.choice(workers), signal.SIGKILL)
                    kills += 1

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            code = 1
            for _ in range(3):  # a file may be unlucky three times
                code = code and main_scan(tmp_path, address)
        finally:
            ended.set()
            killer.join()
    assert code == 0
    assert kills >= 3
    assert rows(tmp_path / "r") == rows(tmp_path / "whole")
    assert len(parts(tmp_path / "r", SECONDS)) == 60


def main_scan(folder: Path, address: str) -> int:
    settings = ScanSettings((str(folder / "a"),), output=folder / "r", cluster=address)
    return Scan(settings, LABELS, lambda line: None).run()
