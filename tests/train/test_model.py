"""The network that is trained and the one that is saved compute the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from train.examples import plain_examples
from train.fit import Training, compiled, fit_epochs
from train.model import (
    LOGITS,
    FusedBatchNormalization,
    balance_logits,
    build,
    build_for_training,
    multiply_accumulates,
    predict_logits,
)
from train.recipe import Recipe, Residual
from train.recipes import RECIPES, TEACHERS


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


@pytest.mark.parametrize(
    ("name", "precision", "tolerance"),
    [("tiny", "float32", 1e-4), ("deep", "float32", 1e-4), ("deep", "mixed_bfloat16", 0.05)],
)
def test_saved_network_computes_what_was_trained(
    request, name: str, train_split, validation_split, precision: str, tolerance: float
) -> None:
    recipe = request.getfixturevalue(name)
    network = compiled(build_for_training(recipe, precision), recipe, steps=1)
    examples = plain_examples(train_split), plain_examples(validation_split)
    training = Training(recipe, 0, precision, checkpoint=Path())
    fit_epochs(network, training, *examples, first=recipe.epochs - 2, quiet=True)
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


@pytest.mark.parametrize("dlib", [True, False])
def test_a_residual_network_is_saved_as_it_was_trained(dlib: bool, validation_split) -> None:
    residual = Residual(((8, 1), (16, 2)), stem=8, side=56 if dlib else 48, dlib=dlib)
    recipe = Recipe("residual", sets=(), dense=(), residual=residual, dropout=0.3)
    network, saved = build_for_training(recipe, "float32"), build(recipe)
    saved.set_weights(network.get_weights())
    images = validation_split.images.astype(np.float32)
    logits = keras.Model(saved.input, saved.get_layer(LOGITS).output)
    np.testing.assert_allclose(logits(images), network(images, training=False), atol=1e-4)


def test_dlibs_network_halves_where_it_does() -> None:
    """150 pixels: 72 and 35 after the first convolution and its pool, then 17, 8, 4 and 2."""
    for side, expected in ((150, [35, 17, 8, 4]), (112, [26, 13, 6, 3])):
        residual = dataclasses.replace(TEACHERS["face"].residual, side=side)
        model = build(dataclasses.replace(TEACHERS["face"], residual=residual))
        sides = [x.output.shape[1] for x in model.layers if isinstance(x, keras.layers.Add)]
        assert list(dict.fromkeys(sides)) == expected
        assert len(sides) == 13, "all but the last of its blocks"


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


def test_a_logit_loses_so_much_of_the_logarithm_of_its_share(tiny: Recipe) -> None:
    model, images = build(tiny), np.zeros((2, 48, 48, 1), np.uint8)
    before = predict_logits(model, images)
    shares = np.array([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], np.float32)
    balance_logits(model, shares, 0.5)
    lost = before - predict_logits(model, images)
    assert lost[:, 1] - lost[:, 0] == pytest.approx(0.5 * np.log(0.1 / 0.4), abs=1e-5)
    balance_logits(model, shares * 0, 0.0)
    np.testing.assert_allclose(predict_logits(model, images), before - lost, atol=1e-6)


def test_multiplications_are_those_of_the_layers(deep) -> None:
    sides = ((48, 1, 4), (24, 4, 6), (24, 6, 6), (12, 6, 8), (12, 8, 8))
    convolutions = sum(side * side * 9 * before * after for side, before, after in sides)
    assert multiply_accumulates(build(deep)) == convolutions + 6 * 6 * 8 * 8 + 8 * 7


def test_multiplications_of_depthwise_and_separable_convolutions() -> None:
    """MobileNet's count: k² a channel and place, then in × out a place (Howard et al. 2017)."""
    pixels = keras.Input((48, 48, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(pixels)
    x = keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = keras.layers.SeparableConv2D(32, 5, strides=2, padding="same")(x)
    x = keras.layers.Conv2D(32, 3, groups=4, padding="same")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pixels, keras.layers.Dense(7)(x))
    depthwise = 24 * 24 * 9 * 8 * 2
    separable = 12 * 12 * (25 * 16 + 16 * 32)
    grouped = 12 * 12 * 9 * 8 * 32
    others = 24 * 24 * 9 * 3 * 8 + 32 * 7
    assert multiply_accumulates(model) == depthwise + separable + grouped + others
