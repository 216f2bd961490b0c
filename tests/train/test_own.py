"""Classes of the user's own: trained, converted and run; from random weights and from a model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.conversion import convert
from convert.variants import variant_path
from edge import Recognizer
from edge.vision.blazeface import BlazeFace
from edge.vision.classifier import load_classifier
from train.artifact import load_model
from train.commands import fit
from train.data import load_splits
from train.errors import ArtifactError, DatasetError, RecipeError
from train.head import fit_head
from train.model import predict_logits
from train.recipe import Recipe
from train.training import train
from train.transfer import begin_with, load_transfer

CLASSES = ("circle", "cross", "two bars")
NET = Recipe("net", side=32, sets=((8,), (12, 12)), dense=(16,), normalise_dense=True,
             epochs=30, batch_size=8, learning_rate=5e-3)  # fmt: skip


def drawing(name: str, seed: int) -> np.ndarray:
    """``uint8[70, 90, 3]``: a sign somewhere in the middle of a picture with noise."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 90, (70, 90, 3)).astype(np.uint8)
    x, y = rng.integers(43, 48), rng.integers(33, 38)
    if name == "circle":
        cv2.circle(image, (x, y), 18, (255, 255, 255), 5)
    elif name == "cross":
        cv2.line(image, (x - 18, y - 18), (x + 18, y + 18), (255, 255, 255), 5)
        cv2.line(image, (x + 18, y - 18), (x - 18, y + 18), (255, 255, 255), 5)
    else:
        for place in (-12, 12):
            cv2.line(image, (x - 18, y + place), (x + 18, y + place), (255, 255, 255), 5)
    return image


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("signs")
    for number, name in enumerate(CLASSES):
        (root / name).mkdir()
        for i in range(40):
            cv2.imwrite(str(root / name / f"{i}.jpg"), drawing(name, 1000 * number + i))
    return root


@pytest.fixture(scope="module")
def trained(signs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "signs.h5"
    report = train(NET, 0, signs, path, BlazeFace(), True, lambda: "float32")
    assert report["validation"]["top1"] > 0.8
    assert set(report["validation"]["per_class"]) == set(CLASSES)
    assert report["validation_votes"] == {}
    return path


def test_the_runtime_knows_their_names(signs: Path, trained: Path) -> None:
    convert(trained, signs)
    path = variant_path(trained, "int8")
    contract = load_classifier(path).contract
    assert contract.labels == CLASSES
    assert (contract.height, contract.width) == (32, 32)
    face = Recognizer(path)(cv2.imread("models/assets/astronaut.png")).faces[0]
    assert set(face.expression.probabilities) == set(CLASSES)


def test_a_model_goes_on_with_other_classes(signs: Path, trained: Path, tmp_path: Path) -> None:
    two = tmp_path / "two"
    for name in CLASSES[:2]:
        (two / name).mkdir(parents=True)
        for i in range(12):
            cv2.imwrite(str(two / name / f"{i}.png"), drawing(name, 5000 + 31 * len(name) + i))
    recipe = begin_with(dataclasses.replace(NET, name="tuned", sets=(), side=48, epochs=1), trained)
    assert (recipe.sets, recipe.side, recipe.warm_start) == (NET.sets, 32, str(trained))
    split = load_splits(two, 32)["train"]
    model, _ = load_model(trained)
    model.set_weights(load_transfer(recipe).weights)
    features = load_transfer(recipe).start(recipe, split)
    old = model.get_weights()
    for before, after in zip(old[:-2], features[:-2], strict=True):
        np.testing.assert_array_equal(before, after)
    assert features[-2].shape == (16, 2)
    report = train(recipe, 0, two, tmp_path / "two.h5", BlazeFace(), True, lambda: "float32")
    assert report["warm_start"]["recipe"] == str(trained)
    assert report["validation"]["top1"] == 1


def test_the_new_layer_alone_knows_the_classes(signs: Path, trained: Path) -> None:
    model, _ = load_model(trained)
    splits = load_splits(signs, 32)
    weights = fit_head(model, model.get_weights(), splits["train"])
    model.set_weights(weights)
    found = predict_logits(model, splits["validation"].images).argmax(axis=1)
    assert (found == splits["validation"].labels).mean() > 0.8


def test_other_sizes_and_images_are_refused(signs: Path, trained: Path, images_folder) -> None:
    with pytest.raises(RecipeError, match=r"signs\.h5 has its own, found 64 as well"):
        fit(start=trained, side=64, images=signs)
    with pytest.raises(ArtifactError, match="found no such file"):
        begin_with(NET, trained.with_name("none.h5"))
    with pytest.raises(DatasetError, match=r"expected the classes of .*circle, cross, two bars"):
        convert(trained, images_folder)
