"""How candidates are grouped and timed, with workers that are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.candidates import Candidate
from benchmarks.errors import WorkerError
from benchmarks.keras_classifier import COMPILED, PREDICT
from tests.benchmarks.samples import FakeProcess, candidates

FACES = np.zeros((3, 48, 48, 1), np.uint8)


def test_files_are_interleaved_at_each_number_of_threads_and_each_h5_alone() -> None:
    models = [Path("a.h5"), Path("b.h5")]
    chosen = [Candidate(h5, variant) for h5 in models for variant in (PREDICT, COMPILED, "int8")]
    groups = [
        ([each.name for each in group], threads)
        for _, group, threads in latency.groups(chosen, [1, 2])
    ]
    assert groups == [
        (["a int8", "b int8"], 1),
        (["a int8", "b int8"], 2),
        (["a h5, predict", "a h5, compiled"], 1),
        (["b h5, predict", "b h5, compiled"], 1),
    ]
    assert latency.groups(candidates(PREDICT), [1])[0][2] == 1


def test_each_round_times_a_block_and_the_reference() -> None:
    workers: list[FakeProcess] = []

    def start(candidate: Candidate, threads: int, faces: Path) -> FakeProcess:
        assert np.array_equal(np.load(faces), FACES)
        workers.append(FakeProcess(0.1 * threads))
        return workers[-1]

    runs = latency.measure(candidates("float32", "int8"), [1, 2], 3, FACES, start)
    assert [(run.candidate.variant, run.series.threads) for run in runs] == [
        ("float32", 1),
        ("int8", 1),
        ("float32", 2),
        ("int8", 2),
    ]
    assert [len(block) for block in runs[0].series.times["face"]] == [latency.CALLS] * 3
    assert (runs[0].load_ms, runs[0].first_ms, runs[0].memory_mb) == (10.0, 2.0, 50.0)
    assert workers[0].asked == [
        *("load", "latency", "reference"),
        *("latency", "reference") * 3,
        "exit",
    ]


def test_a_slow_variant_has_shorter_blocks() -> None:
    (run,) = latency.measure(candidates(PREDICT), [1], 20, FACES, lambda *_: FakeProcess(50.0))
    assert [len(block) for block in run.series.times["face"]] == [10] * 20


@pytest.mark.parametrize("fails", ["load", "latency", "reference"])
def test_one_that_fails_leaves_the_others_alone(fails: str) -> None:
    def start(candidate: Candidate, *_: object) -> FakeProcess:
        return FakeProcess(fails=fails if candidate.variant == "int8" else "")

    good, bad = latency.measure(candidates("float32", "int8"), [1], 2, FACES, start)
    assert bad.series.error == f"{fails} fails"
    assert good.series.error is None
    assert len(good.series.times["face"]) == 2


def test_one_that_does_not_start_is_an_error_of_its_own() -> None:
    def start(candidate: Candidate, *_: object) -> FakeProcess:
        if candidate.is_h5:
            raise WorkerError("no Python with Keras")
        return FakeProcess()

    good, bad = latency.measure(candidates("int8", PREDICT), [1], 2, FACES, start)
    assert (good.series.error, bad.series.error) == (None, "no Python with Keras")


def test_the_python_with_keras_is_for_the_h5_alone(tmp_path: Path) -> None:
    """The other one is this interpreter: a fake that prints the arguments it was given."""
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "{\\"runtime\\": \\"$*\\"}"\n')
    fake.chmod(0o755)
    h5, file = candidates(PREDICT, "int8")
    start = latency.starter(fake)
    with start(h5, 2, tmp_path / "faces.npy") as worker:
        said = worker.reply()["runtime"]
    assert said == f"-m benchmarks.worker h5, predict models/Finalmodel.h5 2 {tmp_path}/faces.npy"
    with start(file, 1, tmp_path / "none.npy") as worker, pytest.raises(WorkerError, match="none"):
        worker.reply()
