"""The command line keeps what it had when there is nothing better."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import host, keeping, results
from benchmarks.__main__ import bench, compare, failures, target
from benchmarks.errors import BenchmarkError
from benchmarks.subjects import shipped_models
from edge.device import Device
from tests.benchmarks.device import LOOP, WHOLE, result, subject
from tests.benchmarks.runs import run, written

NAME = f"{host.name(Device())}.json"


def test_where_everything_fails_the_old_results_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"junk")
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / NAME).write_text("old")
    code = bench(model=[tmp_path / "m.h5"], images=tmp_path, output=folder, rounds=2)
    assert code == 1
    assert "m int8: " in capsys.readouterr().err
    assert {path.name: path.read_text() for path in folder.iterdir()} == {NAME: "old"}


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


def test_a_run_that_measured_less_goes_beside_the_complete_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.json"
    rows = [subject("int8", model=h5.stem) for h5 in shipped_models()]
    results.write(path, result(*rows), [])
    models = {row["model"] for row in rows}
    assert target(path, keeping.shortcoming(path, result(*rows), models)) == path
    assert capsys.readouterr().err == ""
    reason = keeping.shortcoming(path, result(*rows[:1]), models)
    assert target(path, reason) == tmp_path / "one.partial.json"
    said = capsys.readouterr().err
    assert f"one.json stays as it is: this run lacks {rows[-1]['model']}" in said
    assert "one.partial.json, which no report shows" in said


def test_the_last_run_is_compared_wherever_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    machine = {"device": WHOLE["device"] | {"name": host.name(Device())}}
    base = written(tmp_path / "base", run(0), **machine)
    path = tmp_path / "benchmarks" / "results" / NAME
    path.parent.mkdir(parents=True)
    worse = run(1)
    worse["m float32"]["right"] = worse["m float32"]["right"].replace("1", "0", 100)
    for own, lines, seconds in ((path, run(0), 2), (results.partial(path), worse, 1)):
        written(own.parent, lines, own.name, **machine)
        os.utime(own, (seconds, seconds))
    assert compare(base) == 0
    assert f"comparing with benchmarks/results/{NAME}\n" in capsys.readouterr().out
    os.utime(path, (0, 0))
    assert compare(base) == 1
    said = capsys.readouterr().out
    assert f"comparing with {results.partial(Path('benchmarks/results', NAME))}\n" in said
    assert compare(base, path) == 0
    assert "comparing" not in capsys.readouterr().out
