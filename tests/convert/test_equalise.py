"""Equalisation changes no answer, balances the channels, and helps the int8 graph."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from convert.equalise import correct_bias, equalise
from convert.quantize import plain_int8
from convert.rebuild import rebuild
from edge.vision.classifier import dequantise, quantise
from edge.vision.interpreter import open_model
from tests.convert import foreign
from train.model import LOGITS, build


@pytest.fixture(scope="module")
def uneven(tiny) -> keras.Model:
    keras.utils.set_random_seed(3)
    return with_uneven_channels(build(tiny))


def with_uneven_channels(model: keras.Model) -> keras.Model:
    """Give ``model`` channels of very different reach, as training leaves them."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, *moving = layer.get_weights()
            gamma = rng.lognormal(0, 1.5, gamma.shape)
            layer.set_weights([gamma, rng.normal(0, 0.1, beta.shape), *moving])
    return model


def logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    head = keras.Model(model.input, model.get_layer(LOGITS).output)
    return head.predict(images, verbose=0)


def int8_logits(flatbuffer: bytes, images: np.ndarray) -> np.ndarray:
    opened = open_model(flatbuffer, "int8")
    rows = [opened.run(row[np.newaxis])[0][0] for row in quantise(images, opened.inputs[0])]
    return dequantise(np.stack(rows), opened.outputs[0])


@pytest.mark.parametrize("name", ["tiny", "deep"])
def test_the_function_stays_and_the_original_too(request, name: str, train_split) -> None:
    model = with_uneven_channels(build(request.getfixturevalue(name)))
    before = [weight.copy() for weight in model.get_weights()]
    balanced = equalise(model, train_split.images)
    expected = logits(model, train_split.images)
    spread = np.abs(expected).max()
    np.testing.assert_allclose(
        logits(balanced, train_split.images), expected, atol=1e-4 * spread, rtol=1e-3
    )
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_error_of_int8_falls(uneven, train_split, validation_split) -> None:
    expected = logits(uneven, validation_split.images)

    def error(model: keras.Model) -> float:
        found = int8_logits(plain_int8(model, train_split.images), validation_split.images)
        return float(((found - expected) ** 2).mean())

    assert error(equalise(uneven, train_split.images)) < 0.8 * error(uneven)


def test_the_mean_error_is_taken_off(uneven, train_split) -> None:
    """A graph whose logits are all too high by 2 gets a bias that is lower by 2."""
    images = train_split.images
    kernel, bias = uneven.get_layer(LOGITS).get_weights()
    raised = keras.models.clone_model(uneven)
    raised.set_weights(uneven.get_weights())
    raised.get_layer(LOGITS).set_weights([kernel, bias + 2])
    corrected = correct_bias(uneven, plain_int8(raised, images), images)
    spread = np.abs(logits(uneven, images)).max()
    np.testing.assert_allclose(
        corrected.get_layer(LOGITS).get_weights()[1], bias - 2, atol=0.1 * spread
    )


@pytest.mark.parametrize("build", [foreign.plain, foreign.branched, foreign.seed])
def test_other_peoples_networks_stay_what_they_are(build) -> None:
    """Also where channels are read twice, or by what does not let a factor through."""
    model = rebuild(build(), ("a", "b", "c"), "0..1")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, *model.input.shape[1:])).astype(np.uint8)
    balanced = equalise(model, images)
    changed = [
        not np.array_equal(old, new)
        for old, new in zip(model.get_weights(), balanced.get_weights(), strict=True)
    ]
    assert any(changed)
    expected = logits(model, images)
    spread = np.abs(expected).max()
    np.testing.assert_allclose(logits(balanced, images), expected, atol=1e-4 * spread)
