"""A trained model learns from other images how sure it may be, and nothing else."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.contract import ModelContract
from train.artifact import load_model, save_model
from train.errors import DatasetError
from train.layout import EXPRESSIONS
from train.model import build
from train.recalibrate import recalibrate
from train.recipe import Recipe


@pytest.fixture
def model(tmp_path: Path, tiny: Recipe) -> Path:
    path = tmp_path / "m.h5"
    contract = ModelContract(EXPRESSIONS, 48, 48, 1, provenance={"recipe": tiny.to_dict()})
    save_model(build(tiny), contract, path)
    return path


@pytest.mark.parametrize("folders", [("train", "validation"), (".",)])
def test_temperature_and_threshold_come_from_the_images(
    folders: Sequence[str], model: Path, images_folder: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    for folder in folders:
        shutil.copytree(images_folder / "train", images / folder)
    _, before = load_model(model)
    fitted = recalibrate(model, images)
    _, after = load_model(model)
    assert after.temperature == pytest.approx(fitted["temperature"], abs=1e-4)
    assert after.temperature != before.temperature
    assert after.uncertain_below == pytest.approx(fitted["uncertain_below"], abs=1e-3)
    assert set(after.provenance) == {"recipe", "calibrated"}
    others = {"temperature": 1, "uncertain_below": 0.5, "provenance": {}}
    assert dataclasses.replace(after, **others) == dataclasses.replace(before, **others)


def test_few_images_are_refused_and_change_nothing(model: Path, images_folder: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(DatasetError, match=r"expected 50 labelled .* found 35, \d+ of them right"):
        recalibrate(model, images_folder)
    assert model.read_bytes() == before
