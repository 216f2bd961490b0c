"""The mean of the weights that a training began with and those that it ended with."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.augment import augment
from train.fit import Run
from train.model import build, build_for_training

_BATCH = 512


def averaged(model: keras.Model, run: Run, images: NDArray[np.uint8]) -> keras.Model:
    """Return the mean of the trained ``model`` and the one that ``run`` began with.

    The recipe says what share of the first is kept; where it is none, this is ``model`` itself. It
    also says whether batch normalisation is fitted afterwards to the training ``images``
    (``uint8[n, 48, 48, 1]``), changed as training changes them.
    """
    recipe = run.recipe
    if not recipe.kept:
        return model
    mean = build(recipe)
    pairs = zip(run.start, model.get_weights(), strict=True)
    mean.set_weights([recipe.kept * first + (1 - recipe.kept) * last for first, last in pairs])
    if recipe.refitted:
        _refit(mean, run, images)
    return mean


def _refit(model: keras.Model, run: Run, images: NDArray[np.uint8]) -> None:
    """Give the batch normalisation of ``model`` the statistics that ``images`` have in it.

    Those of its parents are of other activations than its own. Each is the mean over batches.
    """
    network = build_for_training(dataclasses.replace(run.recipe, dropout=0.0), "float32")
    network.set_weights(model.get_weights())
    layers = [layer for layer in network.layers if hasattr(layer, "moving_mean")]
    for layer in layers:
        layer.momentum = 0.0  # a moving value is then that of the last batch
    statistics = [value for layer in layers for value in (layer.moving_mean, layer.moving_variance)]
    options = run.recipe.augmentation

    def forward(pixels: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        if options:
            pixels = augment(pixels, tf.stack([run.seed, step]), options)
        return network(pixels, training=True)

    compiled = tf.function(forward)
    order = np.random.default_rng(run.seed).permutation(len(images))
    seen = []
    for step, batch in enumerate(np.array_split(order, max(1, len(order) // _BATCH))):
        compiled(tf.constant(images[batch]), tf.constant(step))
        seen.append([np.array(value) for value in statistics])
    for value, each in zip(statistics, zip(*seen, strict=True), strict=True):
        value.assign(np.mean(each, axis=0, dtype=np.float64))
    model.set_weights(network.get_weights())
