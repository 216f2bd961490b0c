"""The command line keeps what it had when there is nothing better."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import host
from benchmarks.__main__ import bench, failures
from benchmarks.errors import BenchmarkError
from edge.device import Device
from tests.benchmarks.device import LOOP, result

NAME = f"{host.name(Device())}.json"


def test_where_everything_fails_the_old_results_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"junk")
    results = tmp_path / "results"
    results.mkdir()
    (results / NAME).write_text("old")
    code = bench(model=[tmp_path / "m.h5"], images=tmp_path, output=results, rounds=2)
    assert code == 1
    assert "m int8: " in capsys.readouterr().err
    assert {path.name: path.read_text() for path in results.iterdir()} == {NAME: "old"}


def test_what_cannot_be_written_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"junk")
    (tmp_path / "results" / NAME).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        bench(model=[tmp_path / "m.h5"], output=tmp_path / "results")


def test_no_model_and_too_few_rounds_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="found none"):
        bench(model=[tmp_path / "m.h5"])
    with pytest.raises(BenchmarkError, match="rounds: expected 2 or more"):
        bench(rounds=1)


def test_a_detector_that_could_not_be_measured_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    whole = LOOP | {"detectors": LOOP["detectors"][:1]}
    assert failures(result(loop=whole)) == 0
    assert failures(result(loop=whole, left_out=["accuracy left out: a damaged image"])) == 1
    assert failures(result()) == 1
    assert "detector left out: mediapipe: found no such file" in capsys.readouterr().err
