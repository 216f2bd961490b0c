"""Every subject is measured in turn in a process of its own; one that fails stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import latency, results
from benchmarks.errors import BenchmarkError
from benchmarks.latency import Effort
from benchmarks.subjects import COMPILED, TFLITE, Subject, subjects
from train.recipes import model_path

EFFORT = Effort(rounds=2, calls=3, frames=2)


@pytest.fixture(scope="module")
def samples(repository: Path) -> list[latency.Samples]:
    models = repository / "models"
    chosen = [
        Subject(models / "Finalmodel.h5", "h5, compiled", COMPILED, models / "Finalmodel.h5"),
        Subject(models / "Finalmodel.h5", "int8", TFLITE, models / "Finalmodel.tflite"),
        Subject(models / "Finalmodel.h5", "broken", TFLITE, models / "README.md"),
    ]
    return latency.measure(chosen, (1,), EFFORT)


def test_every_sample_is_kept(samples) -> None:
    for sample in samples[:2]:
        assert not sample.error
        assert len(sample.face_ms) == EFFORT.rounds * EFFORT.calls
        assert len(sample.frame_ms) == EFFORT.rounds * EFFORT.frames
        assert min(sample.face_ms) > 0
        stages = sample.stage_ms[0]
        assert set(stages) == {"detect", "crop", "classify", "track"}
        assert sum(stages.values()) <= sample.frame_ms[0]


def test_a_process_holds_its_subject_alone(samples) -> None:
    keras_process, tflite_process, _ = samples
    assert keras_process.runtime.startswith("tensorflow")
    assert tflite_process.runtime.startswith("ai-edge-litert")
    assert tflite_process.memory_mb < 200 < keras_process.memory_mb


def test_one_that_does_not_load_says_why(samples) -> None:
    assert "README.md: expected" in samples[2].error
    assert samples[2].face_ms == []


def test_the_summary_names_the_failure(samples, repository: Path) -> None:
    h5 = repository / "models" / "Finalmodel.h5"
    broken = Subject(h5, "broken", TFLITE, repository / "models" / "README.md")
    chosen = [broken, *subjects([h5])[1:2]]
    result = results.summarise(chosen, samples, {}, EFFORT)
    assert "README.md" in result["subjects"][0]["error"]
    assert result["subjects"][1]["error"] is None
    assert result["subjects"][1]["runs"][0]["face_ms"]["p50"] > 0


def test_one_row_of_all_is_the_deployed_one(repository: Path) -> None:
    chosen = subjects([model_path(name) for name in ("seed", "final")])
    assert [subject.name for subject in chosen if subject.deployed] == ["Finalmodel int8"]
    assert len({subject.name for subject in chosen}) == 12
    elsewhere = subjects([repository / "old" / "Finalmodel.h5"])
    assert not any(subject.deployed for subject in elsewhere)


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="different names"):
        subjects([Path("a/m.h5"), Path("b/m.h5")])
