"""Files of records: what a line says, what is left when something goes wrong, how they rotate."""

from __future__ import annotations

import csv
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
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.errors import SinkError
from edge.settings import Recording
from edge.sinks.output import numbered
from edge.sinks.records import RecordSink
from edge.sinks.shared import Guarded
from edge.sinks.table import Csv, frame_table
from edge.sinks.writers import JsonLines, LineFile
from edge.types import FrameResult
from tests.edge.sinks.makers import (
    LABELS,
    expression,
    face,
    feed,
    frames,
    outage,
    result,
    square,
)

NEVER = Recording(flush=60)


def jsonl(path: Path, recording: Recording = NEVER, **disk: Any) -> RecordSink:
    return RecordSink(LineFile(path, JsonLines(), recording, **disk))


def write(sink: RecordSink | Guarded, count: int, first: int = 0) -> None:
    feed(sink, frames(first + count)[first:])


def indices(path: Path) -> list[int]:
    assert path.read_bytes().endswith(b"\n")
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def parts(path: Path) -> list[Path]:
    """The earlier files of ``path`` and then itself."""
    return [*sorted(path.parent.glob(f"{path.stem}.part*{path.suffix}")), path]


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until, "within five seconds"
        time.sleep(0.005)


# What a line says


def test_a_line_of_json_is_the_result_as_a_dictionary() -> None:
    seen = result(3, face(square(10, 20, 8)), time=0.12, source="a \udcff.mp4")
    line = JsonLines().line(seen.to_dict())
    assert json.loads(line) == seen.to_dict()
    assert line.endswith(b"}\n")
    assert json.loads(JsonLines().line(result(4).to_dict()))["faces"] == []


def rows(*results: FrameResult) -> list[dict[str, str]]:
    form = Csv(frame_table(LABELS))
    content = form.header + b"".join(form.line(result.to_dict()) for result in results)
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_csv_has_a_line_for_each_face_and_one_for_a_frame_without() -> None:
    raw, smoothed = expression("sad", 0.5, certain=False), expression("happy", 0.6)
    tracked = face(square(10, 20, 8), raw, track=7)
    tracked = replace(tracked, smoothed=smoothed)
    found, photo, nobody = rows(
        FrameResult("a.mp4", 2, 0.08, (tracked,), {"detect": 2.0, "track": 0.1}, 1e9),
        result(0, face(square(40, 20, 8), raw, tracked=False), source="b.png"),
        result(1, source='a "b",\r\n\udcff.png'),
    )
    assert found == {
        "source": "a.mp4",
        "time": "0.08",
        "frame": "2",
        "wall_time": "2001-09-09T01:46:40.000+00:00",
        "track": "7",
        "left": "6.0",
        "top": "16.0",
        "right": "14.0",
        "bottom": "24.0",
        "detection_score": "0.9",
        "label": "sad",
        "score": "0.5",
        "certain": "False",
        "p_angry": "0.25",
        "p_happy": "0.25",
        "p_sad": "0.5",
        "smoothed_label": "happy",
        "smoothed_score": "0.6",
        "smoothed_certain": "True",
        "smoothed_angry": "0.2",
        "smoothed_happy": "0.6",
        "smoothed_sad": "0.2",
        "detect_ms": "2.0",
        "crop_ms": "",
        "classify_ms": "",
        "track_ms": "0.1",
    }
    assert (photo["label"], photo["wall_time"], photo["track"]) == ("sad", "", "")
    assert photo["smoothed_label"] == photo["smoothed_sad"] == ""
    assert (nobody["frame"], nobody["source"]) == ("1", 'a "b",\r\n\\udcff.png')
    assert nobody["left"] == nobody["label"] == nobody["certain"] == nobody["p_sad"] == ""
    assert nobody["detect_ms"] == "2.0"


@pytest.mark.parametrize("name", ["=1+1.mp4", "+a", "-a", "@a", "\ta", "\ra"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(name: str) -> None:
    (row,) = rows(result(0, face(square(-4, 20, 8)), source=name))
    assert row["source"] == f"'{name}"
    assert float(row["left"]) < 0, "a number stays one"
    (row,) = rows(result(0, source=f"a{name}"))
    assert row["source"] == f"a{name}"


# When it is on the disk


def test_a_killed_run_loses_nothing(tmp_path: Path, repository: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from tests.edge.sinks.test_records import jsonl, write
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
    with jsonl(path) as sink:  # the dead one's lock is no hindrance
        write(sink, 2)
    assert indices(path) == [0, 1]
    assert indices(numbered(path, 1)) == list(range(50))
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

    def synced() -> bool:
        sink.lost(outage(1))  # comes ten times a second
        return disk.synced == path.stat().st_size

    with jsonl(path, Recording(flush=0.01), sync=disk.sync) as sink:
        for n in range(3):
            write(sink, 1, n)
            eventually(synced)
        calls = disk.calls
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            sink.lost(outage(1))
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
    """Takes ``room`` bytes, the last of them as a part of what it is given."""

    room, error = 5000, errno.ENOSPC

    def write(self, data: Any) -> int:
        part = bytes(data)[: self.room]
        if not part:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= len(part)
        return super().write(part)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EFBIG])
def test_a_disk_that_fails_stops_the_sink_once_after_a_whole_line(
    tmp_path: Path, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    def create(path: Path, keep: int) -> NearlyFull:
        file = NearlyFull(path, "x")
        file.error = error
        return file

    path = tmp_path / "a.jsonl"
    with Guarded(jsonl(path, create=create)) as sink:
        write(sink, 20)
    assert caplog.messages == [
        f"{path}: expected a file that can be written, found: {os.strerror(error)}; "
        "make room, or choose another output"
    ]
    assert sink.exit_code == 1
    kept = indices(path)
    assert kept == list(range(len(kept)))
    assert 1 <= len(kept) < 20
    assert path.stat().st_size > 4000


def test_a_disk_that_is_full_from_the_first_line_on_leaves_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def create(path: Path, keep: int) -> NearlyFull:
        file = NearlyFull(path, "x")
        file.room = 10
        return file

    with Guarded(jsonl(tmp_path / "a.jsonl", create=create)) as sink:
        write(sink, 3)
    assert len(caplog.messages) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flush", [0, 0.01])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_sync_that_fails_stops_the_sink_once(
    tmp_path: Path, flush: float, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    sink = Guarded(jsonl(path, Recording(flush=flush), sync=disk.sync))
    with sink:
        write(sink, 2)
        disk.error = error
        count = itertools.count(2)
        eventually(lambda: bool(write(sink, 1, next(count)) or sink.exit_code))
        size = path.stat().st_size
        write(sink, 5)
    assert len(caplog.messages) == 1
    assert os.strerror(error) in caplog.text
    assert path.stat().st_size == size
    assert len(indices(path)) >= 2


def test_a_sync_that_fails_at_the_end_is_not_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk()
    with Guarded(jsonl(tmp_path / "a.jsonl", sync=disk.sync)) as sink:
        write(sink, 2)
        disk.error = errno.EIO
    assert len(caplog.messages) == 1
    assert sink.exit_code == 1


def test_a_file_that_cannot_be_created_is_the_sinks_error(tmp_path: Path) -> None:
    def refuse(path: Path, keep: int) -> io.FileIO:
        raise PermissionError(errno.EACCES, "Permission denied")

    with (
        jsonl(tmp_path / "a.jsonl", create=refuse) as sink,
        pytest.raises(SinkError, match=r"a\.jsonl: expected a file .* Permission denied"),
    ):
        write(sink, 1)


# Rotation


@pytest.mark.parametrize("keep", [0, 2])
def test_a_full_file_makes_room_for_a_new_one_between_two_lines(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=60, rotate_mb=0.002, keep=keep)) as sink:
        write(sink, 20)
    files = parts(path)
    assert all(400 < other.stat().st_size <= 2000 for other in files)
    seen = [index for other in files for index in indices(other)]
    assert seen == list(range(20 - len(seen), 20)), "in order, and none twice"
    assert len(files) == keep + 1 if keep else len(files) > 4
    assert (len(seen) == 20) == (not keep)


def test_rotated_files_are_synced_before_they_are_renamed(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a.jsonl"
    with jsonl(path, Recording(flush=60, rotate_mb=0.002), sync=disk.sync) as sink:
        for n in itertools.count():
            write(sink, 1, n)
            if numbered(path, 1).exists():
                break
        assert disk.synced == numbered(path, 1).stat().st_size


def test_every_csv_file_has_its_header(tmp_path: Path) -> None:
    path, table = tmp_path / "a.csv", Csv(frame_table(LABELS))
    with RecordSink(LineFile(path, table, Recording(rotate_mb=0.001))) as sink:
        feed(sink, frames(20), faces=2)
    assert len(parts(path)) > 3
    for other in parts(path):
        assert other.read_bytes().startswith(table.header)
        assert other.read_bytes().count(table.header) == 1
        assert len(other.read_bytes().splitlines()) % 2, "a frame's faces stay together"


def test_a_line_larger_than_the_limit_gets_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with jsonl(path, Recording(rotate_mb=1e-6)) as sink:
        write(sink, 3)
    assert [indices(other) for other in parts(path)] == [[0], [1], [2]]


def test_a_reader_sees_whole_lines_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with jsonl(path) as sink:
        for n in range(5):
            write(sink, 1, n)
            assert indices(path) == list(range(n + 1))
