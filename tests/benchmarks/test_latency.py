"""Every subject is measured in turn in a process of its own; one that fails stops no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency, results
from benchmarks.errors import BenchmarkError
from benchmarks.latency import Effort
from benchmarks.subjects import COMPILED, TFLITE, Subject, subjects
from train.recipes import model_path

EFFORT = Effort(rounds=2, calls=3, frames=2)
FACES = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1), np.uint8)


@pytest.fixture(scope="module")
def samples(repository: Path) -> list[latency.Samples]:
    models = repository / "models"
    chosen = [
        Subject(models / "Finalmodel.h5", "h5, compiled", COMPILED, models / "Finalmodel.h5"),
        Subject(models / "Finalmodel.h5", "int8", TFLITE, models / "Finalmodel.tflite"),
        Subject(models / "Finalmodel.h5", "broken", TFLITE, models / "README.md"),
    ]
    return latency.measure(chosen, (1,), EFFORT, FACES)


def test_every_sample_is_kept_by_the_round(samples) -> None:
    for sample in samples[:2]:
        assert not sample.error
        assert [len(values) for values in sample.face_ms] == [EFFORT.calls] * EFFORT.rounds
        assert [len(values) for values in sample.frame_ms] == [EFFORT.frames] * EFFORT.rounds
        assert len(sample.reference_ms) == EFFORT.rounds
        assert min(sample.face_ms[0]) > 0
        assert set(sample.stage_ms) == {"detect", "crop", "classify", "track"}
        assert sum(rounds[1][1] for rounds in sample.stage_ms.values()) <= sample.frame_ms[1][1]
        assert sample.load_ms > sample.first_ms > 0


def test_a_process_holds_its_subject_alone(samples) -> None:
    keras_process, tflite_process, _ = samples
    assert keras_process.runtime.startswith("tensorflow")
    assert tflite_process.runtime.startswith("ai-edge-litert")
    assert tflite_process.memory_mb < 100 < keras_process.memory_mb


def test_one_that_does_not_load_says_why(samples) -> None:
    assert "README.md: expected" in samples[2].error
    assert samples[2].face_ms == []


def test_what_is_slow_is_called_as_often_as_its_time_allows() -> None:
    effort = Effort(rounds=20, calls=50, seconds=10)
    assert effort.invocations == 1000
    assert effort.share(50, 0.5) == 50
    assert effort.share(50, 80) == 6
    assert effort.share(50, 9000) == 1


def test_the_summary_names_the_failure(samples, repository: Path) -> None:
    h5 = repository / "models" / "Finalmodel.h5"
    broken = Subject(h5, "broken", TFLITE, repository / "models" / "README.md")
    chosen = [broken, *subjects([h5])[1:2]]
    result = results.summarise(chosen, samples, {}, EFFORT)
    assert "README.md" in result["subjects"][0]["error"]
    assert result["subjects"][1]["error"] is None
    run = result["subjects"][1]["runs"][0]
    low, high = run["face_ms_interval"]["p50"]
    assert 0 < low <= run["face_ms"]["p50"] <= high
    assert run["invocations"] == EFFORT.rounds * EFFORT.calls


def test_one_row_of_all_is_the_deployed_one(repository: Path) -> None:
    chosen = subjects([model_path(name) for name in ("seed", "final")])
    assert [subject.name for subject in chosen if subject.deployed] == ["Finalmodel int8"]
    assert len({subject.name for subject in chosen}) == 12
    elsewhere = subjects([repository / "old" / "Finalmodel.h5"])
    assert not any(subject.deployed for subject in elsewhere)


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="different names"):
        subjects([Path("a/m.h5"), Path("b/m.h5")])
