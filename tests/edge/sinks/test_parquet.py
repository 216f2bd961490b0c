"""Tables of columns: the same rows as in a .csv, typed, and a file only once it is whole."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.errors import SinkError
from edge.settings import Recording, Settings
from edge.sinks import find_adapter, output
from edge.sinks.parquet import ParquetFile
from edge.sinks.records import RecordSink
from edge.sinks.shared import Guarded
from edge.sinks.table import frame_table
from tests.edge.sinks.makers import (
    LABELS,
    NearlyFull,
    face,
    feed,
    frames,
    refusal_without,
    result,
    square,
)

pq = pytest.importorskip("pyarrow.parquet")


def table(path: Path, recording: Recording | None = None, **more: Any) -> RecordSink:
    return RecordSink(ParquetFile(path, frame_table(LABELS), recording, **more))


def test_the_rows_are_those_of_the_csv_with_types(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "a.parquet"]
    seen = [
        result(0, face(square(10, 20, 8)), face(square(40, 20, 8), track=2), source="a.mp4"),
        result(1, time=0.04, source="\udcff.mp4"),
        replace(result(2, face(square(9, 9, 4), tracked=False)), wall_time=1e9),
    ]
    for path in paths:
        settings = Settings(output=(path,))
        with find_adapter(path).open(path, LABELS, settings) as sink:
            for each in seen:
                sink.write(frames(1)[0], each)
    with paths[0].open(newline="") as text:
        expected = list(csv.DictReader(text))
    rows = pq.read_table(paths[1]).to_pylist()
    assert rows[3]["wall_time"] == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    rows[3]["wall_time"] = rows[3]["wall_time"].isoformat(timespec="milliseconds")
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in rows
    ] == expected
    kinds = {name: type(value) for name, value in rows[0].items() if value is not None}
    assert (kinds["frame"], kinds["track"], kinds["time"]) == (int, int, float)
    assert (kinds["certain"], kinds["label"], kinds["p_sad"]) == (bool, str, float)
    assert rows[2]["label"] is None


def test_seconds_have_their_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    settings = Settings(output=(path,), per="second")
    with find_adapter(path).open(path, LABELS, settings) as sink:
        feed(sink, frames(60), faces=2)
    rows = pq.read_table(path).to_pylist()
    assert [(row["time"], row["track"], row["frames"]) for row in rows] == [
        *((0.0, 1, 25), (0.0, 2, 25), (1.0, 1, 25), (1.0, 2, 25), (2.0, 1, 10), (2.0, 2, 10)),
    ]
    assert rows[0]["shown"] == "happy"


def test_rows_are_written_in_groups_and_the_file_is_there_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    hidden = output.aside_name(path)
    with table(path, group=10) as sink:
        feed(sink, frames(9))
        small = hidden.stat().st_size
        feed(sink, frames(1))
        assert hidden.stat().st_size > small, "memory holds a group at the most"
        feed(sink, frames(15))
        assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]
    content = pq.ParquetFile(path).metadata
    assert [content.row_group(n).num_rows for n in range(content.num_row_groups)] == [10, 10, 5]


def test_a_run_that_fails_elsewhere_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"

    def fail() -> None:
        with table(path) as sink:
            feed(sink, frames(3))
            raise SinkError("elsewhere")

    with pytest.raises(SinkError, match="elsewhere"):
        fail()
    assert pq.read_table(path).num_rows == 3


def test_what_a_kill_leaves_is_no_hindrance(tmp_path: Path, repository: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from tests.edge.sinks.makers import feed, frames
from tests.edge.sinks.test_parquet import table
with table(Path(sys.argv[1]), group=5) as sink:
    feed(sink, frames(12))
    os._exit(9)
"""
    path = tmp_path / "a.parquet"
    code = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=repository, check=False
    ).returncode
    assert code == 9
    assert [each.name for each in tmp_path.iterdir()] == [".a.parquet.part"]
    with table(path) as sink:
        feed(sink, frames(2))
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]
    assert pq.read_table(path).num_rows == 2


def test_a_full_file_makes_room_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with table(path, Recording(rotate_mb=0.01, keep=2), group=10) as sink:
        feed(sink, frames(200))
    parts = [*sorted(tmp_path.glob("a.part*.parquet")), path]
    assert len(parts) == 3
    numbers = [n for part in parts for n in pq.read_table(part)["frame"].to_pylist()]
    assert numbers == list(range(200 - len(numbers), 200))


@pytest.mark.parametrize("room", [0, 3, 5000, 12_000])
def test_a_full_disk_is_reported_once_and_leaves_nothing(
    tmp_path: Path, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    def create(path: Path) -> NearlyFull:
        file = NearlyFull(output.aside_name(path), "x")
        file.room = room
        return file

    path = tmp_path / "a.parquet"
    with Guarded(table(path, group=10, create=create)) as sink:
        feed(sink, frames(15))
    assert caplog.messages == [
        f"{path}: expected a file that can be written, found: No space left on device; make room, "
        "or choose another output"
    ]
    assert sink.exit_code == 1
    assert not list(tmp_path.iterdir())


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, repository: Path) -> None:
    said = refusal_without("pyarrow", tmp_path / "a.parquet", repository)
    assert "run 'make scan', or pip install '.[scan]'" in said
