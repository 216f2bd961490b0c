"""Accuracy is stated with what it may be off by, and beside that of the h5 it comes from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import Exam
from benchmarks.shapes import BENCH, problem
from benchmarks.subjects import COMPILED, PREDICT, TFLITE, Subject
from train.data import LABELS, Split


def exam(split: Split, copies: np.ndarray | None = None) -> Exam:
    count = len(split.labels)
    none = np.zeros(count, bool)
    return Exam(split, none if copies is None else copies, np.full(count, -1), ~none)


def probabilities(predicted: np.ndarray) -> np.ndarray:
    return np.eye(len(LABELS), dtype=np.float32)[predicted]


def test_every_figure_lies_in_its_interval(validation_split: Split) -> None:
    predicted = validation_split.labels.copy()
    predicted[::4] = 0
    figures = exam(validation_split).figures(probabilities(predicted), None)
    names = ("top1", "top1_without_copies", "macro_f1", "macro_f1_without_copies")
    for name in (*names, "calibration_error"):
        low, high = figures["intervals"][name]
        assert low <= figures[name] <= high, name
    for label in LABELS:
        low, high = figures["intervals"]["recall"][label]
        assert low <= figures["per_class"][label]["recall"] <= high
    assert figures["mcnemar"] is None


def test_a_variant_is_compared_with_the_h5_image_by_image(validation_split: Split) -> None:
    h5, variant = (validation_split.labels.copy() for _ in range(2))
    h5[:2] = (h5[:2] + 1) % len(LABELS)
    variant[2:5] = (variant[2:5] + 1) % len(LABELS)
    figures = exam(validation_split).figures(probabilities(variant), probabilities(h5))
    assert figures["mcnemar"] == {"only_h5": 3, "only_this": 2, "p": 1.0}


def part(split: Split, kept: np.ndarray) -> Split:
    return Split(split.name, split.images[kept], split.labels[kept], split.names)


def test_images_without_a_copy_have_the_figures_of_a_split_of_them_alone(
    validation_split: Split,
) -> None:
    labels = validation_split.labels
    h5, variant = labels.copy(), labels.copy()
    h5[1::3], variant[::4] = 0, 1
    copies = np.arange(len(labels)) % 5 == 0
    asked = probabilities(variant), probabilities(h5)
    found = exam(validation_split, copies).figures(*asked)
    alone = exam(part(validation_split, ~copies)).figures(*(rows[~copies] for rows in asked))
    without = found["without_copies"]
    assert without["images"] == (~copies).sum()
    assert without["mcnemar"] != found["mcnemar"]
    for name in without.keys() - {"intervals"}:
        assert without[name] == alone[name], name
    for name, ends in without["intervals"].items():
        assert ends == alone["intervals"][name], name
    for name in ("top1", "macro_f1"):
        assert without[name] == found[f"{name}_without_copies"]
        assert without["intervals"][name] == found["intervals"][f"{name}_without_copies"]
    assert problem(found, BENCH["subjects"][0]["accuracy"]) is None


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_where_all_images_have_a_copy_there_are_no_figures_without(validation_split: Split) -> None:
    copies = np.ones(len(validation_split.labels), bool)
    figures = exam(validation_split, copies).figures(probabilities(validation_split.labels), None)
    assert figures["without_copies"] is None
    assert figures["intervals"]["top1_without_copies"] == [0, 1]


@pytest.fixture
def images(images_folder: Path, tmp_path: Path) -> Path:
    """The data set with a test split, which is the validation split again."""
    root = tmp_path / "images"
    shutil.copytree(images_folder, root)
    shutil.copytree(root / "validation", root / "test")
    return root


def test_what_the_files_answer(images: Path, repository: Path, validation_split: Split) -> None:
    h5 = repository / "models" / "Finalmodel.h5"
    chosen = [
        Subject(h5, "h5, predict", PREDICT, h5),
        Subject(h5, "h5, compiled", COMPILED, h5),
        Subject(h5, "int8", TFLITE, h5.with_suffix(".tflite")),
        Subject(h5, "broken", TFLITE, repository / "models" / "README.md"),
    ]
    predict, compiled, int8, broken = accuracy.measure(chosen, images, pytest.fail).values()
    assert predict == compiled
    assert predict.figures is not None
    assert int8.figures is not None
    assert predict.figures["mcnemar"] is None
    discordant = int8.figures["mcnemar"]
    lost = (predict.figures["top1"] - int8.figures["top1"]) * len(validation_split.labels)
    assert lost == pytest.approx(discordant["only_h5"] - discordant["only_this"])
    assert int8.right.count("1") == round(int8.figures["top1"] * len(int8.right))
    assert int8.multiply_accumulates
    assert int8.images == predict.images
    tested = int8.figures["test"]
    assert tested["top1"] == int8.figures["top1"]
    assert "README.md" in broken.error
    assert broken.figures is None


def test_without_a_test_split_there_are_no_figures_of_it(
    images_folder: Path, repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    shutil.copy(repository / "models" / "Finalmodel.tflite", path)
    alone = Subject(path.with_suffix(".h5"), "int8", TFLITE, path)
    (answers,) = accuracy.measure([alone], images_folder, pytest.fail).values()
    assert answers.figures is not None
    assert "test" not in answers.figures
    assert answers.figures["mcnemar"] is None, "there is no h5 to compare with"


def test_a_damaged_test_split_alone_is_left_out(
    images: Path, repository: Path, tmp_path: Path
) -> None:
    for path in (images / "test" / LABELS[0]).iterdir():
        path.write_bytes(b"junk")
    path = tmp_path / "m.tflite"
    shutil.copy(repository / "models" / "Finalmodel.tflite", path)
    alone = Subject(path.with_suffix(".h5"), "int8", TFLITE, path)
    said: list[str] = []
    (answers,) = accuracy.measure([alone], images, said.append).values()
    assert answers.figures is not None
    assert "test" not in answers.figures
    assert len(said) == 1
    assert said[0].startswith("accuracy on the test split left out: ")
    assert "not an image" in said[0]


def test_a_file_of_another_training_is_known_without_data(repository: Path, tmp_path: Path) -> None:
    models = repository / "models"
    h5 = tmp_path / "m.h5"
    shutil.copy(models / "Finalmodel.h5", h5)
    seed = next(models.glob("seed/*_float32.tflite"))
    files = {"int8": models / "Finalmodel.tflite", "float32": seed}
    for variant, source in files.items():
        shutil.copy(source, tmp_path / f"{variant}.tflite")
    (tmp_path / "junk.tflite").write_bytes(b"junk")
    chosen = [
        Subject(h5, name, TFLITE, tmp_path / f"{name}.tflite") for name in (*files, "junk", "none")
    ]
    found = accuracy.foreign([*chosen, Subject(h5, "h5, compiled", COMPILED, h5)])
    assert list(found) == ["m float32"]
    assert "of another training" in found["m float32"].error
    h5.unlink()
    assert accuracy.foreign(chosen) == {}, "there is nothing to compare with"
