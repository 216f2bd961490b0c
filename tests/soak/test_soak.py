"""The parts of a soak: its table, its slope, its camera and its faults."""

from __future__ import annotations

import http.client
import os
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.soak import judge, watch
from tests.soak.camera import Camera
from tests.soak.faults import Fault, Kind, Schedule, fill, small_disk
from tests.soak.viewers import Ages
from tests.soak.watch import Sample


def rows(slope: float = 0.0, more_threads: int = 0, hours: float = 3) -> list[Sample]:
    """A run that grows by ``slope`` MiB/h after its start, with steps and outliers."""
    found = []
    for n in range(round(hours * 360)):
        start = 20 * max(1 - n / 30, 0)  # its first minutes
        noise = 0.3 * (n % 7) + (9 if n % 50 == 0 else 0)
        resident = 120 - start + noise + slope * n / 360
        threads = 12 + (more_threads if n > hours * 180 else 0)
        found.append(Sample(n * 10.0, "live", resident, 30 + n % 2, threads, 0))
    return found


@pytest.mark.parametrize("slope", [0.0, 0.5, 4.0])
def test_the_slope_is_that_of_the_memory_without_its_start_and_outliers(slope: float) -> None:
    found = judge.held(rows(slope))
    assert found["mib_per_hour"] == pytest.approx(slope, abs=0.1)
    assert found["mib_per_hour_95"][0] <= found["mib_per_hour"] <= found["mib_per_hour_95"][1]
    assert found["descriptors"]["most"] == 31


def figures(own: list[Sample], hours: float = 3.0, **more: Any) -> dict[str, Any]:
    run = {"code": 0, "right_code": 0, "unhandled": [], **judge.held(own)}
    return {"hours": hours, "runs": {"live": run | more}, "age_ms": {"p99": 40.0}, "faults": []}


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (figures(rows(4.0)), "live: grows by "),
        (figures(rows(more_threads=5)), "live: threads rose from 12 to 17"),
        (figures(rows(), code=1), "live: exit code 1, 0 is right"),
        (figures(rows(), unhandled=["Traceback (most"]), "live: on standard error: Traceback"),
        (figures(rows()) | {"age_ms": {"p99": 251.0}}, "picture age: p99 251.0 ms, 250 is right"),
        (figures(rows()) | {"age_ms": {"results": 0}}, "picture age: p99 None ms"),
    ],
)
def test_what_is_wrong_is_said(found: dict[str, Any], problem: str) -> None:
    (said,) = judge.problems(found)
    assert said.startswith(problem)


def test_a_run_that_ended_at_once_is_said() -> None:
    run = {"code": 2, "right_code": 0, "said": "no such file", "unhandled": [], **judge.held([])}
    found = figures(rows()) | {"runs": {"file": run}}
    assert [*judge.problems(found)] == ["file: ended at once, exit code 2: no such file"]


def test_a_run_that_holds_what_it_held_is_right() -> None:
    assert [*judge.problems(figures(rows(0.5)))] == []
    assert [*judge.problems(figures(rows(4.0, hours=0.1), hours=0.1))] == []


def test_the_age_counts_while_nothing_is_wrong() -> None:
    times = [float(n) for n in range(1000)]
    ages = [900.0 if 500 <= n < 540 or n < 100 else 20.0 for n in range(1000)]
    fault = Fault("stream stalled", 500.0, 530.0, 540.0)
    assert judge.age(times, ages, [fault])["p99"] == 20.0
    assert judge.age(times, ages, [])["p99"] == 900.0
    assert judge.age([], [], []) == {"results": 0}
    (told,) = judge.outages([*times[:530], *times[545:]], [fault])
    assert told["back_after"] == 15.0
    assert judge.outages(times[:500], [fault])[0]["back_after"] is None


def test_a_sample_is_what_a_process_holds(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    before = watch.sample(1.0, "own", os.getpid(), tmp_path)
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    with (tmp_path / "b").open("w"):
        after = watch.sample(2.0, "own", os.getpid(), tmp_path, "disk full")
    end.set()
    thread.join()
    assert before
    assert after
    assert before.resident_mib > 5
    assert (after.threads - before.threads, after.descriptors - before.descriptors) == (1, 1)
    assert (before.temporary_files, after.temporary_files) == (1, 2)
    assert watch.sample(0.0, "none", 1 << 22, tmp_path) is None


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = watch.Table(tmp_path / "soak.csv")
    row = Sample(5.0, "live", 99.5, 20, 9, 0, "broker away")
    table.add(row)
    table.add(Sample(5.0, "file", 80.25, 10, 5, 1))
    assert watch.read(tmp_path / "soak.csv")["live"] == [row]  # each row is there at once
    table.close()
    judge.draw(tmp_path / "a.png", watch.read(tmp_path / "soak.csv"), [1.0], [20.0], [])
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_faults_come_in_turn() -> None:
    said: list[str] = []
    names = ("a", "b")
    kinds = [
        Kind(name, lambda n=name: said.append(n), lambda n=name: said.append(f"-{n}"))
        for name in names
    ]
    schedule = Schedule(kinds, 100.0)
    for seconds in range(450):
        schedule.step(float(seconds))
    assert said == ["a", "-a", "b", "-b", "a", "-a", "b", "-b"]
    assert [(fault.began, fault.ended) for fault in schedule.faults[:2]] == [(100, 125), (200, 225)]
    schedule.step(500.0)
    schedule.stop(502.0)
    assert (said[-1], schedule.faults[-1].ended, schedule.name) == ("-a", 502.0, "")


def test_the_camera_keeps_its_rate_and_stalls_and_drops() -> None:
    with Camera([b"first", b"other"], rate=50) as camera:

        def ask() -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
            connection = http.client.HTTPConnection("127.0.0.1", camera.server_address[1])
            connection.request("GET", "/live")
            return connection, connection.getresponse()

        connection, reply = ask()
        with closing(connection):
            began = time.monotonic()
            lines = [reply.readline() for _ in range(21 * 5)]
            assert time.monotonic() - began == pytest.approx(0.4, abs=0.15)
            assert lines[4::5] == [b"first\r\n", b"other\r\n"] * 10 + [b"first\r\n"]
            camera.stalled.set()
            threading.Timer(0.2, camera.dropped.set).start()
            assert reply.read().count(b"picture") <= 1  # then nothing, and at last the end
            assert time.monotonic() - began > 0.5
        connection, reply = ask()
        with closing(connection):
            assert reply.status == 503


def test_the_ages_know_when_they_came() -> None:
    clock = iter([5.0, 6.0])
    ages = Ages(lambda: next(clock))
    ages.append(20.0)
    ages.append(30.0)
    assert (ages, ages.times) == ([20.0, 30.0], [5.0, 6.0])


def test_a_disk_is_filled_and_goes_away(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("only root may mount a disk")
        fill(disk / "filler")
        with pytest.raises(OSError, match="No space left"):
            (disk / "more").write_bytes(bytes(1 << 20))
    assert [*(tmp_path / "disk").iterdir()] == []
