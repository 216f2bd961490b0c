"""The mean of two sets of weights, and what its batch normalisation expects of the images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from train.averaging import averaged
from train.fit import Run
from train.model import build
from train.precision import FLOAT32
from train.recipes import Augmentation, Recipe

RECIPE = Recipe(
    "mean", sets=((4,), (5,)), dense=(6,), normalise_dense=True, dropout=0.5, start="x", kept=0.25
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 48, 48, 1), np.uint8)


def models(recipe: Recipe) -> tuple[keras.Model, Run]:
    """A trained model, and the run that began with another."""
    keras.utils.set_random_seed(1)
    first, trained = build(recipe), build(recipe)
    return trained, Run(recipe, 0, FLOAT32, Path("none"), first.get_weights())


def test_without_a_share_of_the_first_it_is_the_trained_model(images: np.ndarray) -> None:
    trained, run = models(dataclasses.replace(RECIPE, kept=0.0))
    assert averaged(trained, run, images) is trained


def test_a_mean_is_fitted_to_the_images(images: np.ndarray) -> None:
    trained, run = models(dataclasses.replace(RECIPE, refitted=True))
    mean = averaged(trained, run, images)
    normalisations = [
        layer for layer in mean.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    seen = keras.Model(mean.input, [layer.input for layer in normalisations])
    for layer, values in zip(normalisations, seen.predict(images, verbose=0), strict=True):
        axes = tuple(range(values.ndim - 1))
        np.testing.assert_allclose(layer.moving_mean, values.mean(axes), rtol=1e-2, atol=1e-4)
        np.testing.assert_allclose(layer.moving_variance, values.var(axes), rtol=1e-2, atol=1e-6)


def test_only_the_statistics_are_fitted(images: np.ndarray) -> None:
    trained, run = models(dataclasses.replace(RECIPE, refitted=True))
    mean = averaged(trained, run, images)
    plain = averaged(trained, dataclasses.replace(run, recipe=RECIPE), images)
    for ours, theirs in zip(mean.trainable_weights, plain.trainable_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.allclose(mean.layers[3].moving_mean, plain.layers[3].moving_mean)


def test_the_same_images_give_the_same_mean(images: np.ndarray) -> None:
    trained, run = models(dataclasses.replace(RECIPE, refitted=True))
    one, two = (averaged(trained, run, images).get_weights() for _ in range(2))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_images_are_changed_as_the_recipe_says(images: np.ndarray) -> None:
    trained, run = models(dataclasses.replace(RECIPE, refitted=True))
    changing = dataclasses.replace(run.recipe, augmentation=Augmentation(rotation=90, erase=1))
    plain = averaged(trained, run, images)
    changed = averaged(trained, dataclasses.replace(run, recipe=changing), images)
    again = averaged(trained, dataclasses.replace(run, recipe=changing), images)
    assert not np.allclose(plain.layers[3].moving_mean, changed.layers[3].moving_mean, rtol=1e-3)
    np.testing.assert_array_equal(changed.layers[3].moving_mean, again.layers[3].moving_mean)
