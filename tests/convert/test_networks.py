"""Every network that a recipe can name goes from training to the runtime."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from convert.conversion import convert
from convert.variants import NAMES, variant_path
from edge.vision.classifier import load_classifier
from tests.train.detectors import WholeImage
from train.errors import RecipeError
from train.model import build, multiply_accumulates
from train.networks import NETWORKS
from train.recipe import Cosine, Recipe, Residual
from train.training import train

RECIPE = Recipe("net", sets=((8,), (8, 12), (16,)), dense=(16,), normalise_dense=True, epochs=12,
                batch_size=16, learning_rate=5e-3, schedule=Cosine(1))  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_trained_converted_and_run(
    name: str, images_folder: Path, validation_split, tmp_path: Path
) -> None:
    residual = Residual(((8, 1), (12, 1)), stem=8) if name == "residual" else None
    recipe = dataclasses.replace(RECIPE, network=name, residual=residual)
    path = tmp_path / "m.h5"
    report = train(recipe, 0, images_folder, path, WholeImage(), True, lambda: "float32")
    assert report["validation"]["top1"] > 0.9
    assert [row.variant for row in convert(path, images_folder)] == list(NAMES)
    for variant in NAMES:
        found = load_classifier(variant_path(path, variant)).classify(validation_split.images)
        assert np.mean(found.argmax(axis=1) == validation_split.labels) > 0.9


def test_a_separable_network_multiplies_less() -> None:
    plain, separable = (
        multiply_accumulates(build(dataclasses.replace(RECIPE, network=name)))
        for name in ("plain", "separable")
    )
    assert separable < 0.6 * plain


def test_other_networks_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"found 'sepable'; did you mean separable\?"):
        build(dataclasses.replace(RECIPE, network="sepable"))
    with pytest.raises(RecipeError, match="expected a table residual"):
        build(dataclasses.replace(RECIPE, network="residual"))
