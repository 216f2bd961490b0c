"""The tables say what the results say; the documents show those of the last results."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import documents, results
from benchmarks.errors import BenchmarkError, ResultsError
from benchmarks.report import tables
from tests.benchmarks.device import ACCURACY, RUN, result, subject

RESULT = result()


def test_the_table_shows_the_figures() -> None:
    lines = tables.table(RESULT).splitlines()
    assert lines[3] == (
        "| **int8** (deployed) | 2.80 MB | 56.78% | 54.32% | 0.500 | 65.43% "
        "| 1.50 / 2.25 / 3.12 | 1.50 / 2.25 / 3.12 | 321 |"
    )
    assert "commit abc" in lines[-1]


def test_what_is_missing_is_shown_as_missing() -> None:
    changed = copy.deepcopy(RESULT)
    changed["subjects"][0] |= {"bytes": None, "accuracy": None, "runs": [], "error": "no file"}
    assert "| float32 | missing | – | – | – | – | – | – | – |" in tables.table(changed)


def test_the_terminal_table_fits_80_columns() -> None:
    slow = RUN | {"face_ms": {"p50": 57.29, "p95": 140.7, "p99": 150.0}}
    named = subject("Finalmodel h5, compiled") | {"runs": [slow, slow | {"threads": 2}]}
    shown = result(*RESULT["subjects"], named)
    with io.StringIO() as file:
        Console(width=80, file=file).print(tables.terminal_table(shown))
        lines = file.getvalue().splitlines()
    assert any("Finalmodel h5, compiled" in x and "57.3" in x and "65.43%" in x for x in lines), (
        lines
    )
    assert any("int8" in x and "56.78%" in x and "2.80 MB" in x and "1.50" in x for x in lines), (
        lines
    )


def test_the_table_goes_between_the_markers_of_its_section() -> None:
    document = "before <!-- a -->old<!-- /a --> between <!-- b --><!-- /b -->"
    assert tables.insert(document, "a", "new") == (
        "before <!-- a -->\nnew\n<!-- /a --> between <!-- b --><!-- /b -->"
    )
    for without in ("no markers", "<!-- /a --><!-- a -->", "<!-- a -->"):
        with pytest.raises(BenchmarkError, match="add them"):
            tables.insert(without, "a", "new")


def test_the_targets_compare_with_the_seed_network_of_the_same_run() -> None:
    rows = [subject("float32"), subject("int8", deployed=True), subject("float32")]
    rows[2] |= {"model": "seed", "runs": [RUN | {"face_ms": {"p50": 6.0}}]}
    rows[0]["accuracy"] = ACCURACY | {"top1": 0.5698}
    text = tables.targets([RESULT | {"subjects": rows}])
    assert text.splitlines()[2] == (
        "| m | 56.78% | 54.32% | 65.43% | 0.500 | – | 0.20 points | 3.2% | 2.80 MB | 0.25 × "
        "| 64.4 |"
    )
    rows[1]["accuracy"] = ACCURACY | {"macro_f1_without_copies": 0.4812}
    assert "| 0.500 | 0.481 |" in tables.targets([RESULT | {"subjects": rows}])


def seed_and_int8(milliseconds: float, **changes: object) -> list[dict]:
    rows = [subject("float32", 6.0, model="seed"), subject("int8", milliseconds, deployed=True)]
    return [row | changes for row in rows]


def test_a_device_more_is_a_column_more_and_accuracy_stands_once() -> None:
    one = result(*seed_and_int8(1.5))
    two = result(*seed_and_int8(3.0, accuracy=None), name="two", date="2026-02-02")
    lines = tables.targets([one, two]).splitlines()
    assert lines[0].count("time against seed in float32, machine") == 2
    assert lines[2].endswith("| 3.2% | 2.80 MB | 0.25 × | 0.50 × | 64.4 |")
    assert lines[4].startswith("Accuracy: measured by `make bench` on machine one")
    assert "machine two (commit abc, 2026-02-02)" in lines[6]


def test_targets_without_any_accuracy_say_what_was_timed() -> None:
    text = tables.targets([result(*seed_and_int8(1.5, accuracy=None))])
    assert "Accuracy" not in text
    assert "Times, one thread, p50: machine one" in text


def another_device(repository: Path, folder: Path, **further: object) -> None:
    """The committed results with those of a second device, which was measured later."""
    for path in (repository / "benchmarks" / "results").glob("*.json*"):
        (folder / path.name).write_bytes(path.read_bytes())
    committed = results.read(results.devices(folder)[0])
    changes = {"machine": "another", "device": {"name": "another"}, "date": "2999-01-01"}
    (folder / "another.json").write_text(json.dumps(committed | changes | further))
    (folder / "another.jsonl").write_text("")


def test_the_documents_show_the_device_that_was_measured_last(
    repository: Path, tmp_path: Path
) -> None:
    another_device(repository, tmp_path)
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    columns = next(line for line in text.splitlines() if line.startswith("| int8 file of"))
    assert "in float32, another |" in columns
    devices = len(results.devices(tmp_path))
    assert columns.count("time against seed") == devices
    stages = text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "on another (commit" in stages
    assert f"Of {devices} devices this one was measured last" in stages


def test_a_later_device_without_a_loop_leaves_that_of_an_earlier_one(
    repository: Path, tmp_path: Path
) -> None:
    another_device(repository, tmp_path, loop=None)
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    stages = text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "on another" not in stages
    assert "| detect |" in stages


def test_a_run_that_does_not_count_is_not_shown(repository: Path, tmp_path: Path) -> None:
    another_device(repository, tmp_path, void="throttled at its end")
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    assert "another" not in text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "in float32, another |" not in text


def test_without_a_run_that_counts_the_documents_stay(repository: Path, tmp_path: Path) -> None:
    for path in (repository / "benchmarks" / "results").glob("*.json*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for path in results.devices(tmp_path):
        path.write_text(json.dumps(results.read(path) | {"void": "throttled at its end"}))
    with pytest.raises(ResultsError, match="expected a run that counts"):
        documents.current(repository, tmp_path)


def test_the_documents_show_the_last_results(repository: Path) -> None:
    """The figures in the documents are those that the commands wrote."""
    for path, text in documents.current(repository, Path("benchmarks/results")).items():
        assert path.read_text(encoding="utf-8") == text, path.name
