"""Figures of a split, from what workers predict."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import Exam
from benchmarks.candidates import Candidate
from benchmarks.keras_classifier import COMPILED
from tests.benchmarks.samples import Bars, FakeProcess, candidates
from train.data import Split
from train.errors import DatasetError
from train.layout import EXPRESSIONS
from train.metrics import unpack


def off_by_one(images: np.ndarray) -> np.ndarray:
    """Wrong in the first of every five images of a class."""
    right = Bars().classify(images)
    right[::5] = np.roll(right[::5], 1, axis=1)
    return right


def start(candidate: Candidate, *_: object) -> FakeProcess:
    fails = "predict" if candidate.variant == "float16" else ""
    return FakeProcess(fails=fails, classify=None if candidate.is_h5 else off_by_one)


def test_files_are_scored_against_labels_and_h5(images_folder: Path) -> None:
    chosen = candidates(COMPILED, "float16", "int8")
    found = accuracy.measure(chosen, images_folder, start)
    assert list(found) == [f"Finalmodel {COMPILED}", "Finalmodel int8"]
    h5, int8 = found.values()
    assert (h5.whole.top1.value, h5.whole.versus_h5, h5.test) == (1.0, None, None)
    assert int8.whole.top1.value == 0.8
    assert int8.whole.versus_h5 is not None
    assert (int8.whole.versus_h5.only_h5, int8.whole.versus_h5.only_this) == (7, 0)
    assert list(int8.whole.recall) == list(EXPRESSIONS)
    assert int8.whole.recall["fear"].value == 0.8
    assert unpack(int8.right, 35).tolist() == [place % 5 > 0 for place in range(35)]


def test_a_test_split_is_scored_where_there_is_one(images_folder: Path, tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        shutil.copytree(images_folder / "validation", tmp_path / name)
    (found,) = accuracy.measure(candidates("int8"), tmp_path, start).values()
    assert found.test is not None
    assert found.test.top1 == found.whole.top1


def test_without_images_there_is_no_accuracy(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        accuracy.measure(candidates("int8"), tmp_path, start)


def test_votes_are_of_their_images_alone(validation_split: Split) -> None:
    voted = np.full(len(validation_split.labels), -1)
    probabilities = Bars().classify(validation_split.images)
    assert Exam(validation_split, voted, fitted=True).score(probabilities, None).votes_top1 is None
    voted[:4] = validation_split.labels[:4]
    voted[3] += 1
    found = Exam(validation_split, voted, fitted=True).score(probabilities, None)
    assert found.calibration_error.value == pytest.approx(1 - float(probabilities[0].max()), 1e-3)
    assert found.votes_top1 is not None
    assert found.votes_top1.value == 0.75
