"""The network that is trained and the one that is saved compute the same."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from train.examples import plain_examples
from train.fit import Run, compiled, fit_epochs
from train.model import (
    LOGITS,
    FusedBatchNormalization,
    build,
    build_for_training,
    multiply_accumulates,
)
from train.recipes import RECIPES, Recipe


def test_the_seed_recipe_is_the_one_that_was_asked_for() -> None:
    kinds = [type(layer).__name__ for layer in build(RECIPES["seed"]).layers]
    block = ["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"]
    assert kinds == ["InputLayer", "Rescaling", *block * 3, "Flatten", *["Dense"] * 4, "Softmax"]
    assert RECIPES["seed"].epochs == 30
    assert RECIPES["seed"].learning_rate == 1e-4


def test_saved_network_holds_standard_layers_only(tiny: Recipe) -> None:
    modules = {type(layer).__module__.split(".")[0] for layer in build(tiny).layers}
    assert modules == {"keras"}
    assert not any(isinstance(layer, FusedBatchNormalization) for layer in build(tiny).layers)


@pytest.mark.parametrize("name", ["tiny", "deep"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
def test_saved_network_computes_what_was_trained(
    request, name: str, train_split, validation_split, precision: str, tolerance: float
) -> None:
    recipe = request.getfixturevalue(name)
    network = compiled(build_for_training(recipe, precision), recipe, steps=1)
    examples = plain_examples(train_split), plain_examples(validation_split)
    run = Run(recipe, 0, precision, checkpoint=Path())
    fit_epochs(network, run, *examples, first=0, last=2)
    saved = build(recipe)
    saved.set_weights(network.get_weights())
    logits = keras.Model(saved.input, saved.get_layer(LOGITS).output)
    images = validation_split.images.astype(np.float32)
    np.testing.assert_allclose(
        logits(images).numpy(),
        network(images, training=False).numpy(),
        atol=tolerance,
        rtol=tolerance,
    )
    np.testing.assert_allclose(saved(images).numpy().sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_fused_normalisation_is_the_standard_one(training: bool) -> None:
    x = np.random.default_rng(0).normal(3, 2, (16, 7, 5, 4)).astype(np.float32)
    layers = [keras.layers.BatchNormalization(), FusedBatchNormalization()]
    outputs = [layer(x, training=training).numpy() for layer in layers]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)
    for standard, fused in zip(layers[0].weights, layers[1].weights, strict=True):
        # The fused kernel's variance is the unbiased one: 560/559 of the other.
        np.testing.assert_allclose(standard.numpy(), fused.numpy(), rtol=3e-3)


def test_fused_normalisation_has_the_standard_gradient() -> None:
    import tensorflow as tf

    x = tf.constant(np.random.default_rng(0).normal(size=(8, 4, 4, 3)), tf.float32)
    weight = tf.constant(np.random.default_rng(1).normal(size=x.shape), tf.float32)
    gradients = []
    for layer in (keras.layers.BatchNormalization(), FusedBatchNormalization()):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) ** 2 * weight)
        gradients.append(tape.gradient(loss, x).numpy())
    np.testing.assert_allclose(*gradients, atol=1e-4)


def test_multiplications_are_those_of_the_layers(deep) -> None:
    sides = ((48, 1, 4), (24, 4, 6), (24, 6, 6), (12, 6, 8), (12, 8, 8))
    convolutions = sum(side * side * 9 * before * after for side, before, after in sides)
    assert multiply_accumulates(build(deep)) == convolutions + 6 * 6 * 8 * 8 + 8 * 7
