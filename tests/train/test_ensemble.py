"""Teachers asked together: their weights, their accuracy, and the command that trains them all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.detectors import WholeImage
from tests.train.test_transfer import keep_model
from train import ensemble
from train.artifact import load_model
from train.data import fingerprint, load_split
from train.errors import StoppedLineError
from train.mirror import ask_mirrored, mirrored_probabilities
from train.model import build_for_training
from train.recipe import Recipe, Residual
from train.recipes import model_path
from train.teachers import train_all
from train.training import train


def test_the_likelier_teacher_counts_more() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 2000)

    def teacher(right: float) -> np.ndarray:
        said = np.where(rng.random(2000) < right, labels, rng.integers(0, 7, 2000))
        return (0.8 * np.eye(7)[said] + 0.2 / 7).astype(np.float32)

    good, poor, useless = teacher(0.8), teacher(0.5), np.full((2000, 7), 1 / 7, np.float32)
    weights = ensemble.weigh([poor, good, useless], labels)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > weights[0] > 0.05
    mixed = np.tensordot(weights, np.stack([poor, good, useless]), 1)

    def likelihood(probabilities: np.ndarray) -> float:
        return float(np.log(probabilities[np.arange(2000), labels]).mean())

    assert likelihood(mixed) > max(map(likelihood, (good, poor, (good + poor) / 2)))


def test_a_mirror_image_gets_the_same_answer(tiny) -> None:
    network = build_for_training(tiny, "float32")
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    plain, both = mirrored_probabilities(lambda x: network(x).numpy(), images)
    assert not np.allclose(plain, both)
    np.testing.assert_allclose(ask_mirrored(network, images), both, atol=1e-6)
    np.testing.assert_allclose(ask_mirrored(network, images[:, :, ::-1]), both, atol=1e-6)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_accuracies_and_weights_are_written(tiny, here: Path, images_folder: Path) -> None:
    for seed, name in enumerate(("one", "other")):
        keep_model(dataclasses.replace(tiny, name=name), seed)
    result = ensemble.write(["one", "other"], images_folder, here / "e.json")
    assert json.loads((here / "e.json").read_text()) == result
    assert set(result["teachers"]) == {"one", "other"} == set(result["labels"]["weights"])
    assert sum(result["labels"]["weights"].values()) == pytest.approx(1, abs=0.002)
    assert "votes" not in result, "nobody tagged these images"
    lines = ensemble.table(result).splitlines()
    assert (
        lines[0]
        == "| teacher | top-1, plain | mirrored | FER+ top-1, mirrored | weight for labels |"
    )
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| one", "| other", "| mean", "| weights for labels",
    ]  # fmt: skip


SMALL = Recipe(
    "small", sets=(), dense=(), residual=Residual(((6, 1), (8, 1)), stem=4), epochs=1,
    dropout=0.2, average=0.9, head_rate=4, weight_decay=0.01,
)  # fmt: skip


def test_it_trains_what_is_missing_and_passes_over_what_is_stopped(
    here: Path, images_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    names = "good", "poor", "tagged"
    recipes = {name: dataclasses.replace(SMALL, name=name) for name in names}
    recipes["tagged"] = dataclasses.replace(recipes["tagged"], votes=1.0)
    asked: list[tuple[str, int, float]] = []

    data = fingerprint(*(load_split(images_folder, name) for name in ("train", "validation")))

    def pretend(recipe: Recipe, seed: int, images: Path, target: Path, *_, least: float) -> Any:
        asked.append((recipe.name, seed, least))
        if recipe.name == "poor":
            raise StoppedLineError("poor: the line is stopped")
        of_these = {} if recipe.votes else {"data": data}
        keep_model(recipe, seed, **of_these)
        return {"validation": {"top1": 0.5}, "minutes": 1}

    done = train_all(images_folder, WholeImage(), recipes, least=0.6, train=pretend)
    assert done == ["good", "tagged"]
    assert asked == [("good", 0, 0.6), ("poor", 1, 0.6), ("tagged", 2, 0.0)]
    assert "poor: the line is stopped" in caplog.messages
    assert set(json.loads(ensemble.RESULT.read_text())["teachers"]) == {"good", "tagged"}
    asked.clear()
    train_all(images_folder, WholeImage(), recipes, least=0.6, train=pretend)
    assert [name for name, *_ in asked] == ["poor", "tagged"], "that one is of other images"


def test_a_teacher_is_kept_in_half_the_bytes_and_read_as_it_was(
    here: Path, images_folder: Path
) -> None:
    wide = dataclasses.replace(SMALL, residual=Residual(((64, 1),), stem=32))
    report = train(wide, 0, images_folder, model_path("small"), WholeImage(), quiet=True)
    model, contract = load_model(model_path("small"))
    assert model_path("small").stat().st_size < 3 * model.count_params() + 100_000
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(np.float32)}
    for weight in model.get_weights():
        if weight.ndim > 1:
            np.testing.assert_array_equal(weight, weight.astype(np.float16))
    assert contract.provenance["recipe"] == wide.to_dict()
    found = ensemble.measure(["small"], images_folder)["teachers"]["small"]["plain"]["top1"]
    assert found == report["validation"]["top1"]
