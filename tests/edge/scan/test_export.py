"""The table as one file, and how far a scan is."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path

import pyarrow.parquet
import pytest
from rich.console import Console

from edge.cli import main
from edge.errors import SourceFileError, TargetError
from edge.scan.export import export
from edge.scan.inputs import Input
from edge.scan.progress import ScanProgress, hours
from edge.scan.results import SECONDS, parts, read_manifest
from edge.scan.work import Outcome
from tests.edge.clips import write_change
from tests.edge.scan.archive import rows, scan


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "a").mkdir()
    for name in ("x.mp4", "y.mp4"):
        write_change(folder / "a" / name, frames=3)
    assert scan(folder / "a", folder / "r") == 0
    return folder / "r"


def test_one_file_has_the_rows_of_all(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    assert main(["scan", "--export", str(target), str(results)]) == 0
    with target.open(newline="") as file:
        found = list(csv.DictReader(file))
    expected = rows(results)
    assert [row["source"] for row in found] == ["a/x.mp4"] * 6 + ["a/y.mp4"] * 6
    assert [row["label"] for row in found] == [row["label"] for row in expected]
    assert float(found[3]["p_happy"]) == expected[3]["p_happy"]
    assert export(results, tmp_path / "all.parquet") == 12
    assert pyarrow.parquet.read_table(tmp_path / "all.parquet").num_rows == 12


def test_what_was_there_gets_a_number(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    target.write_text("mine")
    assert main(["scan", "--export", str(target), "--per", "second", str(results)]) == 0
    assert (tmp_path / "all.part00001.csv").read_text() == "mine"
    with target.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["source"] for row in found] == ["a/x.mp4", "a/y.mp4"]
    assert {row["frames"] for row in found} == {"6"}


def test_a_name_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path) -> None:
    folder, results = tmp_path / "=1+1", tmp_path / "r"
    folder.mkdir()
    write_change(folder / "x.mp4", frames=3)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    assert scan(folder, results) == 0
    export(results, tmp_path / "all.csv")
    export(results, tmp_path / "all.parquet")
    for path, column in ((tmp_path / "all.csv", "source"), (results / "failures.csv", "file")):
        with path.open(newline="") as file:
            assert {row[column][:6] for row in csv.DictReader(file)} == {"'=1+1/"}
    table = pyarrow.parquet.read_table(tmp_path / "all.parquet")
    assert set(table["source"].to_pylist()) == {"=1+1/x.mp4"}


def test_what_is_no_scan_is_not_exported(results: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"expected the results of a scan, found no scan\.json"):
        export(tmp_path, tmp_path / "all.csv")
    for text in ('{"format": "expressions-scan-1"}', "[]", "[" * 100_000):
        (tmp_path / "scan.json").write_text(text)
        with pytest.raises(TargetError, match=r"expected the results of a scan, found no scan"):
            export(tmp_path, tmp_path / "all.csv")
    (tmp_path / "scan.json").write_bytes((results / "scan.json").read_bytes())
    with pytest.raises(TargetError, match="expected results of files, found none"):
        export(tmp_path, tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "x.parquet").write_bytes(b"no part")
    with pytest.raises(SourceFileError, match=r"x\.parquet: expected a part of a scan"):
        export(tmp_path, tmp_path / "all.csv")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_says_what_is_done_and_what_is_left(results: Path) -> None:
    manifest = read_manifest(parts(results, SECONDS)[0])
    assert manifest is not None
    manifest["length"] = 1200.0
    clock = Clock()
    files = [Input(Path(name), name, name, (100, 0)) for name in "abcd"]
    progress = ScanProgress([100] * 4, Console(file=io.StringIO()), clock)
    clock.now = 60.0
    assert progress.line() == "0 of 4 files · 0% · 0:00:00 of video"
    progress.add(Outcome(files[0], "done", manifest=manifest))
    progress.tell(files[1], 0.5)
    progress.tell(files[2], 0.5)
    progress.tell(files[2], math.nan)  # a recording that doesn't say how long it is
    assert progress.line() == (
        "1 of 4 files · 50% · 0:20:00 of video · 20.0 × real time · 0:01:00 left"
    )
    progress.add(Outcome(files[1], "failed", "found nothing"))
    assert progress.line().endswith("0:00:36 left · 1 failed")


def test_there_is_a_bar_on_a_terminal_and_a_line_now_and_then_elsewhere() -> None:
    said, terminal = io.StringIO(), io.StringIO()
    file = Input(Path("a"), "a", "a", (100, 0))
    with ScanProgress([100, 300], Console(file=said, width=200), every=0.01) as progress:
        progress.add(Outcome(file, "other"))
        end = time.monotonic() + 30
        while "1 of 2 files · 25%" not in said.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
    console = Console(file=terminal, force_terminal=True, width=120)
    with ScanProgress([100, 300], console) as bar:
        bar.add(Outcome(file, "other"))
    assert "1 of 2 files" in terminal.getvalue()
    assert "25%" in terminal.getvalue()


def test_a_length_is_read_as_hours() -> None:
    assert [hours(n) for n in (0, 59.6, 3661, 360_000)] == [
        "0:00:00", "0:01:00", "1:01:01", "100:00:00",
    ]  # fmt: skip
