"""Results files are read as they were written, short, and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import store
from benchmarks.errors import ResultsError
from benchmarks.evaluate import Evaluation
from benchmarks.measure import Series
from benchmarks.peers.measure import Peers
from benchmarks.results import Bench, Throughput
from benchmarks.scanning import Scanning
from tests.benchmarks.samples import bench, evaluation, peers, row, scanning, times


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (bench(), Bench),
        (evaluation(), Evaluation),
        (peers(), Peers),
        (scanning(), Scanning),
    ],
)
def test_what_was_written_is_read(tmp_path: Path, result: Bench, kind: type) -> None:
    path = tmp_path / "new" / "result.json"
    store.write(path, result)
    assert store.read(path, kind) == result
    assert json.loads(path.read_text())["format"]


def test_a_row_has_lines_of_its_own_and_a_file_few_hundred(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    store.write(path, bench(rows=[row("int8", 0.1)] * 18))
    lines = path.read_text().splitlines()
    assert 100 < len(lines) < 500
    assert sum('"variant": "int8"' in line for line in lines) == 18


def test_raw_samples_stand_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    store.write(path, bench(), [Series("int8", 2, {"face": [[0.1]]}, [[0.6]])])
    (line,) = path.with_suffix(".jsonl").read_text().splitlines()
    assert json.loads(line) == {
        **{"name": "int8", "threads": 2, "times": {"face": [[0.1]]}},
        **{"reference": [[0.6]], "error": None},
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "truncated"),
        ("[]", "array"),
        ('{"version": 4}', "missing required field"),
        ('{"format": "bench-4"}', "bench-4"),
        ('{"format": "bench-5", "device": 3}', r"`\$.device`"),
    ],
)
def test_other_content_is_refused_in_one_line(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "device.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=found):
        store.read(path, Bench)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"none.json: expected results, found: No such file"):
        store.read(tmp_path / "none.json", Bench)


def test_devices_are_whole_runs_alone(tmp_path: Path) -> None:
    device = tmp_path / "raspberry-pi-4-rev-1.4.json"
    partial = store.partial(device)
    assert partial.name == "raspberry-pi-4-rev-1.4.partial.json"
    for path in (device, partial, tmp_path / "peers.json", tmp_path / "evaluation.json"):
        path.touch()
    assert store.devices(tmp_path) == [device]


def test_frames_a_second_have_their_interval_turned() -> None:
    fps = Throughput(1, 2, times(2.0)).fps
    assert fps.value == 500
    assert fps.low < fps.value < fps.high


def test_times_are_found_by_threads() -> None:
    assert row("int8", 0.1).at(1) == times(0.1)
    assert row("int8", 0.1).at(2) is None
