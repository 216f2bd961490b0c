"""The worker of one file, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.candidates import DEPLOYED_FILE, DEPLOYED_MODEL, Candidate
from benchmarks.errors import WorkerError
from benchmarks.keras_classifier import PREDICT
from benchmarks.latency import starter
from benchmarks.worker import Opened, Worker
from edge.vision.classifier import load_classifier

FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), np.uint8)


def test_faces_are_classified_in_turn(tmp_path: Path) -> None:
    seen: list[int] = []

    def classify(crops: np.ndarray) -> np.ndarray:
        seen.append(int(crops.sum()))
        return np.zeros((len(crops), 7), np.float32)

    worker = Worker(Opened(classify, classify, "fake"), 1, FACES)
    assert len(worker.latency(2)["ms"]) == 2
    worker.latency(2)
    sums = FACES.sum(axis=(1, 2, 3)).tolist()
    assert seen == [*sums, sums[0]]


def test_a_file_is_timed_and_its_predictions_are_the_runtimes(
    repository: Path, tmp_path: Path
) -> None:
    faces, output = tmp_path / "faces.npy", tmp_path / "out.npy"
    np.save(faces, FACES)
    with starter(None)(Candidate(repository / DEPLOYED_MODEL, "int8"), 1, faces) as worker:
        loaded = worker.reply()
        assert loaded["load_ms"] > 0
        assert loaded["first_ms"] > 0
        assert loaded["runtime"]
        assert len(worker.ask("latency", calls=4)["ms"]) == 4
        assert len(worker.ask("reference")["ms"]) == 20
        worker.ask("predict", images=str(faces), output=str(output))
    expected = load_classifier(repository / DEPLOYED_FILE).classify(FACES)
    assert np.array_equal(np.load(output), expected)


def test_a_file_that_does_not_load_is_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", FACES)
    (tmp_path / "x.tflite").write_bytes(b"nothing")
    candidate = Candidate(tmp_path / "x.h5", "int8")
    worker = starter(None)(candidate, 1, tmp_path / "faces.npy")
    with worker, pytest.raises(WorkerError, match="expected a TFLite model"):
        worker.reply()


@pytest.mark.slow
def test_an_h5_is_called_in_both_ways(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("keras")
    faces, output = tmp_path / "faces.npy", tmp_path / "out.npy"
    np.save(faces, FACES)
    with starter(None)(Candidate(repository / DEPLOYED_MODEL, PREDICT), 1, faces) as worker:
        assert worker.reply()["runtime"].startswith("tensorflow")
        assert len(worker.ask("latency", calls=2)["ms"]) == 2
        worker.ask("predict", images=str(faces), output=str(output))
    expected = load_classifier(repository / DEPLOYED_FILE).classify(FACES)
    assert np.abs(np.load(output) - expected).max() < 0.1
