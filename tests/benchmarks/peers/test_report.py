"""The table of the peers, the words for the classes, and what the registry names."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import peers
from benchmarks.errors import BenchmarkError, ResultsError, WorkerError
from benchmarks.peers import report
from benchmarks.peers.labels import indices
from benchmarks.peers.registry import OF_A_FILE, OURS, PEERS
from train.data import LABELS


def row(name: str, fps: float | None, **others: Any) -> dict[str, Any]:
    measured = fps is not None
    return {
        **{"name": name, "package": name, "version": "1.2" if measured else "", "threads": None},
        "error": None if measured else "no such module",
        "frame_ms": {"p50": 27.46, "p90": 30.0, "p95": 31.0, "p99": 40.0} if measured else None,
        "fps": fps,
        "found": 0.975 if measured else None,
        "start_s": 3.21 if measured else None,
        "memory_mb": 743.2 if measured else None,
        "environment_mb": 7700.4 if measured else None,
        "accuracy": None,
        **others,
    }


ACCURACY = {
    "top1": 0.6573,
    "top1_without_copies": 0.641,
    "macro_f1": 0.633,
    "votes": {"top1": 0.7953},
}
RESULT = {
    **{
        "version": 2,
        "models": {"m.tflite": "12ab"},
        "machine": "a processor",
        "commit": "abc",
        "date": "2026-01-01",
    },
    "effort": {"rounds": 10, "seconds": 1.0, "starts": 3},
    "frames": {"different": 60, "width": 640, "height": 360, "faces": 1},
    "rows": [
        row("this project", 360.0, version="", accuracy=ACCURACY),
        row(OF_A_FILE, 600.0, version=""),
        row("fer, Haar", 30.0),
        row("broken", None),
    ],
}


def test_the_table_compares_with_ours() -> None:
    table = report.table(RESULT)
    assert "| this project | 27.5 / 31.0 | 360.0 | 1.0 × / 1.7 × | 98% |" in table
    assert "| 65.7% | 64.1% | 79.5% | 0.633 |" in table
    assert (
        "| fer, Haar 1.2 | 27.5 / 31.0 | 30.0 | 12.0 × / 20.0 × | 98% | 3.2 | 743 | 7700 "
        "| – | – | – | – |" in table
    )
    assert "640×360 frames in memory with one face for each, in 10 turns of 1 s;" in table
    assert "`make bench-peers` on a processor (commit abc, 2026-01-01)." in table


def test_what_failed_has_no_figures_but_its_error() -> None:
    table = report.table(RESULT)
    assert f"| broken | – | – | – / – |{' – |' * 8}" in table
    assert table.endswith("Not measured, or not wholly: broken: no such module")
    assert report.failures(RESULT) == ["broken: no such module"]


def test_without_ours_there_is_nothing_to_compare_with() -> None:
    rows = [row("this project", None), row("fer, Haar", 30.0)]
    assert "| 30.0 | – | 98% |" in report.table({**RESULT, "rows": rows})


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    report.write(tmp_path / report.NAME, RESULT)
    assert report.read(tmp_path) == RESULT
    with pytest.raises(ResultsError, match="make bench-peers"):
        report.read(tmp_path / "none")


def test_a_run_that_measured_less_does_not_replace_a_better_one(tmp_path: Path) -> None:
    assert report.shortcoming(tmp_path, RESULT) is None, "nothing is there"
    report.write(tmp_path / report.NAME, RESULT)
    assert report.shortcoming(tmp_path, RESULT) is None
    shorter = RESULT | {"effort": RESULT["effort"] | {"rounds": 1}}
    assert report.shortcoming(tmp_path, shorter) == "has 1 rounds where that has 10"
    assert report.shortcoming(tmp_path, shorter | {"models": {"m.tflite": "34cd"}}) is None
    blind = RESULT | {"rows": [row("this project", 360.0), *RESULT["rows"][1:]]}
    assert report.shortcoming(tmp_path, blind) == "lacks the accuracy of this project"
    failed = RESULT | {"rows": [*RESULT["rows"][:2], row("fer, Haar", None), RESULT["rows"][3]]}
    assert report.shortcoming(tmp_path, failed) == "lacks the times of fer, Haar"


def test_the_words_of_others_are_our_labels_by_name() -> None:
    assert indices(LABELS).tolist() == list(range(len(LABELS)))
    words = ("Surprised", "anger", "Sadness", "Neutral")
    assert [LABELS[i] for i in indices(words)] == ["surprise", "angry", "sad", "neutral"]
    with pytest.raises(WorkerError, match="found 'contempt'"):
        indices(["contempt"])


def test_every_peer_has_an_adapter_and_requirements(repository: Path) -> None:
    for peer in (*OURS, *PEERS):
        specification = importlib.util.find_spec(peer.adapter)
        assert specification, peer.name
        assert f"class {peer.adapter_class}" in Path(specification.origin).read_text(), peer.name
    environments = {peer.environment for peer in PEERS}
    files = (repository / "requirements/peers").glob("*.txt")
    assert environments == {Path(".venv/peers", file.stem) for file in files}
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_what_cannot_be_measured_or_written_is_said_before(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="rounds: expected 1 or more"):
        peers(rounds=0)
    (tmp_path / report.NAME).mkdir()
    with pytest.raises(IsADirectoryError):
        peers(output=tmp_path)
