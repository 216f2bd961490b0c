"""The table and the figures say what the results say; the documents show the last table."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from benchmarks import documents, report, results
from benchmarks.errors import BenchmarkError

TIMES = {"p50": 1.5, "p95": 2.25, "p99": 3.125}
RUN = {
    "threads": 1,
    "runtime": "ai-edge-litert 2.3.0",
    "memory_mb": 60.0,
    "face_ms": TIMES,
    "frame_ms": TIMES,
    "stage_ms": {},
    "fps": 321.4,
}
ACCURACY = {
    **{"top1": 0.5678, "top1_without_copies": 0.5432, "macro_f1": 0.5001},
    "votes": {"top1": 0.6543},
    "calibration_error": 0.0321,
}


def subject(name: str, deployed: bool = False) -> dict:
    return {
        "name": name,
        "model": "m",
        "variant": name,
        "file": f"{name}.tflite",
        "deployed": deployed,
        "bytes": 2_800_000,
        "multiply_accumulates": 64_400_000,
        "error": None,
        "accuracy": ACCURACY,
        "runs": [RUN, RUN | {"threads": 2}],
    }


RESULT = {
    "version": results.VERSION,
    "machine": "a processor, 2 cores",
    "commit": "abc",
    "date": "2026-01-01",
    "versions": {"ai-edge-litert": "2.3.0", "tensorflow": "2.21.0"},
    "subjects": [subject("float32"), subject("int8", deployed=True)],
}


def test_the_table_shows_the_figures() -> None:
    lines = report.table(RESULT).splitlines()
    assert lines[3] == (
        "| **int8** (deployed) | 2.80 MB | 56.78% | 54.32% | 0.500 | 65.43% "
        "| 1.50 / 2.25 / 3.12 | 1.50 / 2.25 / 3.12 | 321 |"
    )
    assert "commit abc" in lines[-1]


def test_what_is_missing_is_shown_as_missing() -> None:
    result = copy.deepcopy(RESULT)
    result["subjects"][0] |= {"bytes": None, "accuracy": None, "runs": [], "error": "no file"}
    assert "| float32 | missing | – | – | – | – | – | – | – |" in report.table(result)


def test_figures_are_drawn(tmp_path: Path) -> None:
    report.write_report(tmp_path, RESULT)
    for name in ("latency.png", "accuracy_latency.png"):
        assert cv2.imread(str(tmp_path / name)).std() > 5
    assert (tmp_path / "benchmark.md").read_text().count("|") > 20


def test_figures_without_anything_to_show_are_removed(tmp_path: Path) -> None:
    report.write_report(tmp_path, RESULT)
    result = copy.deepcopy(RESULT)
    for row in result["subjects"]:
        row["accuracy"] = None
    report.write_report(tmp_path, result)
    assert {path.name for path in tmp_path.iterdir()} == {"benchmark.md", "latency.png"}
    for row in result["subjects"]:
        row |= {"runs": [], "error": "damaged"}
    report.write_report(tmp_path, result)
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark.md"]


def test_the_terminal_table_fits_80_columns() -> None:
    result = copy.deepcopy(RESULT)
    slow = RUN | {"face_ms": {"p50": 57.29, "p95": 140.7, "p99": 150.0}}
    result["subjects"].append(
        subject("Finalmodel h5, compiled") | {"runs": [slow, slow | {"threads": 2}]}
    )
    with io.StringIO() as file:
        Console(width=80, file=file).print(report.terminal_table(result))
        lines = file.getvalue().splitlines()
    assert any("Finalmodel h5, compiled" in x and "57.3" in x and "65.43%" in x for x in lines), (
        lines
    )
    assert any("int8" in x and "56.78%" in x and "2.80 MB" in x and "1.50" in x for x in lines), (
        lines
    )


def test_the_table_goes_between_the_markers_of_its_section() -> None:
    document = "before <!-- a -->old<!-- /a --> between <!-- b --><!-- /b -->"
    assert report.insert(document, "a", "new") == (
        "before <!-- a -->\nnew\n<!-- /a --> between <!-- b --><!-- /b -->"
    )
    for without in ("no markers", "<!-- /a --><!-- a -->", "<!-- a -->"):
        with pytest.raises(BenchmarkError, match="add them"):
            report.insert(without, "a", "new")


def test_the_targets_compare_with_the_seed_network_of_the_same_run() -> None:
    rows = [subject("float32"), subject("int8", deployed=True), subject("float32")]
    rows[2] |= {"model": "seed", "runs": [RUN | {"face_ms": {"p50": 6.0}}]}
    rows[0]["accuracy"] = ACCURACY | {"top1": 0.5698}
    text = report.targets(RESULT | {"subjects": rows})
    assert text.splitlines()[2] == (
        "| m | 56.78% | 54.32% | 65.43% | 0.500 | 0.20 points | 3.2% | 2.80 MB | 0.25 × | 64.4 |"
    )


def test_the_documents_show_the_last_results(repository: Path) -> None:
    """The figures in the documents are those that the commands wrote."""
    for path, text in documents.current(repository, Path("benchmarks/results")).items():
        assert path.read_text(encoding="utf-8") == text, path.name
