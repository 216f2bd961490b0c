"""What was written is read again, and nothing else is taken for results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.errors import ResultsError

WHOLE = {
    **{"version": 3, "machine": "m", "commit": "c", "date": "d", "versions": {}, "effort": {}},
    **{"device": {"name": "one"}, "void": None, "subjects": [], "loop": None},
}


def test_a_device_has_its_results_and_its_raw_samples(tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.json"
    results.write(path, WHOLE, [{"subject": "s", "threads": 1, "face_ms": [[0.12345678]]}])
    assert results.read(path) == WHOLE
    assert results.read_samples(path) == [{"subject": "s", "threads": 1, "face_ms": [[0.1235]]}]
    (path.parent / "evaluation.json").write_text("{}")
    results.write(path.with_name("another.json"), WHOLE, [])
    assert results.devices(path.parent) == [path.with_name("another.json"), path]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2}', '{"version": 3', None])
def test_other_results_are_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "one.json").write_text(content)
    with pytest.raises(ResultsError, match="make bench"):
        results.read(tmp_path / "one.json")


def test_half_of_the_results_are_none(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"version": 3, "machine": "m", "subjects": []}))
    with pytest.raises(ResultsError, match=r"without commit.*device.*loop.*void"):
        results.read(tmp_path / "one.json")


def test_raw_samples_that_are_missing_or_half_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"one\.jsonl: expected raw samples"):
        results.read_samples(tmp_path / "one.json")
    (tmp_path / "one.jsonl").write_text('{"subject": "s", "face_ms": [[0.1')
    with pytest.raises(ResultsError, match="make bench"):
        results.read_samples(tmp_path / "one.json")
    with pytest.raises(ResultsError, match="found none"):
        results.devices(tmp_path / "empty")
