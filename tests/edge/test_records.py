"""Files of records: what is left of them when something goes wrong, and how they rotate."""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import EdgeError, SinkError
from edge.files import number_of, numbered
from edge.frames import Frame
from edge.settings import Recording
from edge.sinks.csv import Csv
from edge.sinks.jsonl import JsonLines
from edge.sinks.records import RecordSink, append_to
from edge.sinks.wrappers import Guarded
from tests.edge.fakes import LABELS, image, result, square, track

NEVER = Recording(flush=60)


def jsonl(path: Path, recording: Recording = NEVER, **disk: Any) -> RecordSink:
    return RecordSink(path, JsonLines(LABELS), recording, **disk)


def write(sink: RecordSink | Guarded, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        sink.write(Frame(image(), n, n / 30), result(n, [track(square(10, 20, 8))], n / 30))


def indices(path: Path) -> list[int]:
    assert path.read_bytes().endswith(b"\n")
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until, "within five seconds"
        time.sleep(0.005)


# When it is on the disk


def test_a_killed_run_loses_nothing(tmp_path: Path, repository: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from tests.edge.test_records import jsonl, write
with jsonl(Path(sys.argv[1])) as sink:
    write(sink, 50)
    print("written", flush=True)
    time.sleep(30)
"""
    path = tmp_path / "a.jsonl"
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], cwd=repository, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    assert run.stdout.readline() == b"written\n"
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert indices(path) == list(range(50))
    with jsonl(path) as sink:  # the dead one's claim is no hindrance
        write(sink, 2)
    assert indices(path) == [0, 1]
    assert indices(tmp_path / "a.part00001.jsonl") == list(range(50))
    assert len(list(tmp_path.iterdir())) == 2


class Disk:
    """Notes how many bytes of a file were synced; ``error`` is met from then on."""

    def __init__(self, error: int = 0) -> None:
        self.error, self.synced, self.calls = error, 0, 0

    def sync(self, handle: int) -> None:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        self.synced, self.calls = os.fstat(handle).st_size, self.calls + 1


def test_records_are_synced_in_time_even_when_no_more_come(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=0.01), sync=disk.sync) as sink:
        for n in range(3):
            write(sink, 1, n)
            eventually(lambda: disk.synced == path.stat().st_size)
        calls = disk.calls
        time.sleep(0.1)
        assert disk.calls == calls, "what is on the disk isn't synced again"


def test_the_default_loses_less_than_a_second() -> None:
    assert Recording().flush < 1


def test_each_record_can_be_synced_by_itself(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=0), sync=disk.sync) as sink:
        for n in range(3):
            write(sink, 1, n)
            assert (disk.calls, disk.synced) == (n + 1, path.stat().st_size)


def test_the_end_is_synced(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    with jsonl(path, sync=disk.sync) as sink:
        write(sink, 3)
        assert disk.synced == 0
    assert disk.synced == path.stat().st_size


def test_a_failed_run_keeps_its_records(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    def fail() -> None:
        with jsonl(path) as sink:
            write(sink, 3)
            raise SinkError("elsewhere")

    with pytest.raises(SinkError, match="elsewhere"):
        fail()
    assert indices(path) == [0, 1, 2]


# A disk that fails


class NearlyFull(io.FileIO):
    """Takes ``room`` bytes, the last of them as a part of what it's given."""

    room, error = 1000, errno.ENOSPC

    def write(self, data: Any) -> int:
        part = bytes(data)[: self.room]
        if not part:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= len(part)
        return super().write(part)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EFBIG])
def test_a_disk_that_fails_stops_the_sink_once_after_a_whole_line(
    tmp_path: Path, error: int
) -> None:
    def open_file(path: Path) -> NearlyFull:
        file = NearlyFull(path, "ab")
        file.error = error
        return file

    path, problems = tmp_path / "a.jsonl", list[EdgeError]()
    with Guarded(jsonl(path, open_file=open_file), problems.append) as sink:
        write(sink, 20)
    assert [str(problem) for problem in problems] == [
        f"{path}: expected a file that can be written, found {os.strerror(error)}; "
        "make room, or choose another output"
    ]
    kept = indices(path)
    assert kept == list(range(len(kept)))
    assert 1 <= len(kept) < 20
    assert path.stat().st_size > 700


@pytest.mark.parametrize("flush", [0, 0.01])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_sync_that_fails_stops_the_sink_once(tmp_path: Path, flush: float, error: int) -> None:
    disk, problems = Disk(), list[EdgeError]()
    path = tmp_path / "a.jsonl"
    sink = Guarded(jsonl(path, Recording(flush=flush), sync=disk.sync), problems.append)
    with sink:
        write(sink, 2)
        disk.error = error
        count = itertools.count(2)
        eventually(lambda: bool(write(sink, 1, next(count)) or problems))
        size = path.stat().st_size
        write(sink, 5)
    assert len(problems) == 1
    assert os.strerror(error) in str(problems[0])
    assert path.stat().st_size == size
    assert len(indices(path)) >= 2


def test_a_sync_that_fails_at_the_end_is_not_lost(tmp_path: Path) -> None:
    disk, problems = Disk(), list[EdgeError]()
    with Guarded(jsonl(tmp_path / "a.jsonl", sync=disk.sync), problems.append) as sink:
        write(sink, 2)
        disk.error = errno.EIO
    assert len(problems) == 1
    assert len(list(tmp_path.iterdir())) == 1, "the claim is given back"


# Rotation


@pytest.mark.parametrize("keep", [0, 2])
def test_a_full_file_makes_room_for_a_new_one_between_two_lines(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=60, rotate_mb=0.001, keep=keep)) as sink:
        write(sink, 20)
    numbers = sorted(number_of(other, path) or 0 for other in tmp_path.glob("a.*.jsonl"))
    files = [numbered(path, number) for number in numbers] + [path]
    assert all(200 < other.stat().st_size <= 1000 for other in files)
    seen = [index for other in files for index in indices(other)]
    assert seen == list(range(20 - len(seen), 20)), "in order, and none twice"
    assert numbers[-1] > 4
    assert numbers == (list(range(1, numbers[-1] + 1)) if not keep else numbers[-1:-3:-1][::-1])
    assert (len(seen) == 20) == (not keep)


def test_rotated_files_are_synced_before_they_are_renamed(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=60, rotate_mb=0.001), sync=disk.sync) as sink:
        n = 0
        while not (tmp_path / "a.part00001.jsonl").exists():
            write(sink, 1, n)
            n += 1
        assert disk.synced == (tmp_path / "a.part00001.jsonl").stat().st_size


def test_every_csv_file_has_its_header(tmp_path: Path) -> None:
    path, form = tmp_path / "a.csv", Csv(LABELS)
    with RecordSink(path, form, Recording(rotate_mb=0.001)) as sink:
        for n in range(20):
            two = [track(square(10, 20, 8)), track(square(40, 20, 8), number=2)]
            sink.write(Frame(image(), n, n / 30), result(n, two))
    files = list(tmp_path.iterdir())
    assert len(files) > 3
    for other in files:
        assert other.read_bytes().startswith(form.header)
        assert other.read_bytes().count(form.header) == 1
        assert len(other.read_bytes().splitlines()) % 2, "a frame's faces stay together"


def test_a_line_larger_than_the_limit_gets_a_file_of_its_own(tmp_path: Path) -> None:
    with jsonl(tmp_path / "a.jsonl", Recording(rotate_mb=1e-6)) as sink:
        write(sink, 3)
    assert sorted(indices(other)[0] for other in tmp_path.iterdir()) == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_cannot_be_opened_is_said_before_the_first_frame(tmp_path: Path) -> None:
    def refuse(path: Path) -> io.FileIO:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(SinkError, match=r"a\.jsonl: expected a file .* Permission denied"):
        jsonl(tmp_path / "a.jsonl", open_file=refuse).__enter__()
    assert not list(tmp_path.iterdir()), "the claim is given back"


def test_a_reader_sees_whole_lines_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with jsonl(path) as sink:
        for n in range(5):
            write(sink, 1, n)
            assert indices(path) == list(range(n + 1))


def test_the_file_is_opened_to_append(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with append_to(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"oldnew"
