"""Networks as other people write them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from convert.adopt import adopt
from convert.errors import AdoptionError
from tests.train.detectors import WholeImage
from train.model import build
from train.recipe import Recipe

LABELS = ("sad", "angry", "very happy")


def plain(side: int = 48, channels: int = 1, classes: int = 3, last: str = "softmax"):
    """The sequential network of a tutorial."""
    return spread(
        keras.Sequential(
            [
                layers.Input((side, side, channels)),
                layers.Conv2D(8, 3, strides=2, activation="relu"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(),
                layers.Conv2D(8, 3, activation="relu"),
                layers.Dropout(0.3),
                layers.Flatten(),
                layers.Dense(12, activation="relu"),
                layers.Dense(classes, activation=last),
            ]
        )
    )


def branched(side: int = 112, channels: int = 3, classes: int = 3):
    """A functional network with a short cut, which rescales its pixels and ends in no dense one."""
    pixels = layers.Input((side, side, channels))
    x = layers.Rescaling(1 / 255)(pixels)
    x = layers.SeparableConv2D(6, 3, strides=2, use_bias=False)(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    short = layers.Conv2D(8, 1, strides=2, padding="same")(x)
    x = layers.ReLU(6)(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    x = layers.Concatenate()([layers.Add()([x, short]), short])
    x = layers.ReLU()(layers.Conv2D(6, 3)(layers.ZeroPadding2D()(x)))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(classes, 3)(x))
    return spread(keras.Model(pixels, layers.Softmax()(x)))


def nested():
    """A frozen network in a network, behind layers that change images while it trains."""
    base = keras.Sequential(
        [layers.Input((64, 64, 3)), layers.Conv2D(4, 5, strides=4), layers.BatchNormalization()]
    )
    base.trainable = False
    pixels = layers.Input((64, 64, 3))
    x = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])(pixels)
    x = layers.GlobalAveragePooling2D()(layers.LeakyReLU()(base(x, training=False)))
    return spread(keras.Model(pixels, layers.Dense(3)(x)))


def normalised():
    """A network with a normalisation of its own, which is no batch normalisation."""
    normalisation = layers.Normalization(mean=[100.0, 120.0, 90.0], variance=[900.0, 400.0, 1600.0])
    return spread(
        keras.Sequential([layers.Input((32, 32, 3)), normalisation, *plain(32, 3).layers])
    )


def seed():
    """The ``seed`` network without its rescaling."""
    model = build(Recipe("seed", sets=((4,), (6,), (8,)), dense=(8,)), 3)
    kept = [layer for layer in model.layers[1:] if not isinstance(layer, layers.Rescaling)]
    return spread(keras.Sequential([layers.Input((48, 48, 1)), *kept]))


def spread(model):
    """``model`` with weights under which images differ, and statistics that are not 0 and 1."""
    rng = np.random.default_rng(0)

    def weight(old: np.ndarray) -> np.ndarray:
        if old.ndim == 0 or old.dtype.kind != "f":
            return old
        if old.ndim == 1:
            return rng.uniform(0.3, 1, old.shape)
        return rng.normal(0, 2 / np.sqrt(np.prod(old.shape[:-1])), old.shape)

    for layer in [*model.layers, *(inner for outer in model.layers for inner in outer._layers)]:
        if not isinstance(layer, layers.Normalization | keras.Model):
            layer.set_weights([weight(old) for old in layer.get_weights()])
    return model


def save_plain(folder: Path) -> Path:
    """Write ``theirs.h5``, ``theirs.keras`` and ``theirs.weights.h5`` into ``folder``."""
    network = plain()
    for suffix in (".h5", ".keras"):
        network.save(folder / f"theirs{suffix}")
    network.save_weights(folder / "theirs.weights.h5")
    return folder


def refused(source: Path, found: str, labels: tuple[str, ...] = LABELS, values: str = "0..1"):
    """Adoption ends with one line and no file."""
    before = sorted(source.parent.iterdir())
    with pytest.raises(AdoptionError, match=found) as caught:
        adopt(source, labels, values, None, WholeImage())
    assert "\n" not in str(caught.value)
    assert sorted(source.parent.iterdir()) == before
