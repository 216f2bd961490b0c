"""Teachers asked together: their weights, their accuracy, and the command that trains them all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.detectors import WholeImage
from tests.train.test_transfer import keep_model
from train import ensemble
from train.artifact import load_model
from train.data import Split, fingerprint, load_split
from train.errors import ArtifactError, DatasetError, ReportError
from train.recipe import Recipe, Residual
from train.recipes import model_path
from train.teachers import right_mirrored, train_all
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
    lines = ensemble.table(ensemble.read(here / "e.json")).splitlines()
    assert f"commit {result['commit']}" in lines[-1]
    assert (
        lines[0]
        == "| teacher | top-1, plain | mirrored | FER+ top-1, mirrored | weight for labels |"
    )
    assert [line.split(" | ")[0] for line in lines[2:-2]] == [
        "| one", "| other", "| mean", "| weights for labels",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"teachers": {"one": 1}}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=r"e\.json: expected what .* run that again"):
        ensemble.read(path)


SMALL = Recipe(
    "small", sets=(), dense=(), residual=Residual(((6, 1), (8, 1)), stem=4), epochs=1,
    dropout=0.2, average=0.9, head_rate=4, weight_decay=0.01,
)  # fmt: skip


def test_it_trains_what_is_missing_and_leaves_out_what_is_poor(
    here: Path, images_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    names = "good", "poor", "tagged", "further"
    recipes = {name: dataclasses.replace(SMALL, name=name) for name in names}
    recipes["tagged"] = dataclasses.replace(recipes["tagged"], votes=1.0)
    recipes["further"] = dataclasses.replace(recipes["further"], warm_start="poor")
    keep_model(dataclasses.replace(SMALL, name="other"), 0)
    asked: list[tuple[str, int]] = []
    validation = load_split(images_folder, "validation")
    data = fingerprint(load_split(images_folder, "train"), validation)

    def pretend(recipe: Recipe, seed: int, images: Path, target: Path, *_: object) -> Any:
        asked.append((recipe.name, seed))
        keep_model(recipe, seed, **({} if recipe.votes else {"data": data}))
        return {"validation": {"top1": 0.5}, "minutes": 1}

    def right(name: str, split: Split) -> float:
        assert len(split.labels) == len(validation.labels)
        return {"good": 0.7, "poor": 0.5, "tagged": 0.5}[name]

    done = train_all(images_folder, WholeImage(), recipes, 0.6, pretend, right, ["other"])
    assert done == ["good", "tagged"]
    assert [name for name, _ in asked] == ["good", "poor", "tagged"]
    assert any("poor: expected 60.0%" in line and "50.0%" in line for line in caplog.messages)
    assert "further: left out, it begins with poor" in caplog.messages
    assert set(json.loads(ensemble.RESULT.read_text())["teachers"]) == {"other", "good", "tagged"}
    asked.clear()
    train_all(images_folder, WholeImage(), recipes, 0.6, pretend, right, ["other"])
    assert [name for name, _ in asked] == ["tagged"], "that one is of other images"


def test_what_began_with_a_teacher_that_was_replaced_is_trained_again(
    here: Path, images_folder: Path
) -> None:
    recipes = {
        name: dataclasses.replace(SMALL, name=name, warm_start=start)
        for name, start in (("first", ""), ("second", "first"))
    }
    data = fingerprint(*(load_split(images_folder, each) for each in ("train", "validation")))
    asked: list[str] = []

    def pretend(recipe: Recipe, seed: int, images: Path, target: Path, *_: object) -> Any:
        asked.append(recipe.name)
        start = recipe.warm_start and load_model(model_path(recipe.warm_start))[1].graph_sha256
        keep_model(recipe, seed, data=data, warm_start={"graph_sha256": start})
        return {"validation": {"top1": 0.5}, "minutes": 1}

    def trained() -> list[str]:
        asked.clear()
        train_all(images_folder, WholeImage(), recipes, 0.6, pretend, lambda *_: 0.7, [])
        return list(asked)

    assert trained() == ["first", "second"]
    assert trained() == []
    keep_model(recipes["first"], 9, data=data)
    assert trained() == ["second"]


def test_models_that_do_not_belong_together_are_refused(
    tiny, here: Path, images_folder: Path
) -> None:
    with pytest.raises(ArtifactError, match=r"one size, found \[\]"):
        ensemble.measure([], images_folder)
    keep_model(dataclasses.replace(tiny, name="one"), 0)
    (here / "pairs").mkdir()
    for name in "ab":
        shutil.copytree(images_folder / "train" / "happy", here / "pairs" / name)
    with pytest.raises(DatasetError, match="expected the classes of one"):
        ensemble.measure(["one"], here / "pairs")


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
    assert 0 < right_mirrored("small", load_split(images_folder, "validation")) <= 1
