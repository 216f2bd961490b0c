"""The network: as it is saved and deployed, and as it is trained fast.

Both compute the same function. The saved one holds standard layers only; the training one differs
in what costs time and not in what it computes: fused batch normalisation, pooling before ReLU
(they commute, and ReLU then sees a quarter of the values), logits instead of the softmax. Dropout
is there while it trains alone.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from train.layout import EXPRESSIONS
from train.networks import Layers, find_network
from train.recipe import Recipe

LOGITS = "logits"
"""Name of the last layer before the softmax; conversion cuts the graph behind it."""
_BATCH = 256


@keras.saving.register_keras_serializable(package="train")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation through TensorFlow's fused kernel, with the standard layer's weights.

    Keras 3 computes mean, variance and scale as separate operations, which at these sizes moves
    more memory than the convolutions do. Input and output: ``[n, h, w, c]``, channels last. The
    kernel's running variance is the unbiased one, a relative difference of 1/(n·h·w).
    """

    def call(self, inputs: tf.Tensor, training: bool = False, mask: None = None) -> tf.Tensor:
        """Normalise ``inputs``; updates the moving statistics when ``training``."""
        del mask
        empty = tf.zeros([0])
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=empty if training else tf.cast(self.moving_mean, tf.float32),
            variance=empty if training else tf.cast(self.moving_variance, tf.float32),
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs


def build(recipe: Recipe, classes: int = len(EXPRESSIONS)) -> keras.Model:
    """Return the network of standard layers that is saved, in float32.

    Input: raw grey pixels ``[n, side, side, 1]`` in 0…255. Output: probabilities ``[n, classes]``.
    """
    pixels = _pixels(recipe)
    x = find_network(recipe)(pixels, recipe, Layers("float32", keras.layers.BatchNormalization))
    for units in recipe.dense:
        if recipe.normalise_dense:
            x = keras.layers.Dense(units, use_bias=False)(x)
            x = keras.layers.BatchNormalization()(x)
            x = keras.layers.ReLU()(x)
        else:
            x = keras.layers.Dense(units, activation="relu")(x)
    logits = keras.layers.Dense(classes, name=LOGITS)(x)
    outputs = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(pixels, outputs, name=recipe.name)


def build_for_training(
    recipe: Recipe, precision: str, classes: int = len(EXPRESSIONS)
) -> keras.Model:
    """Return the same network for training, with logits ``[n, classes]`` as output.

    ``precision`` is a Keras dtype policy, ``"float32"`` or ``"mixed_bfloat16"``. Its weights have
    the order and shapes of ``build``'s.
    """
    pixels = _pixels(recipe)
    layers = Layers(precision, FusedBatchNormalization, pools_first=True)
    x = find_network(recipe)(pixels, recipe, layers)
    if not recipe.dense:
        x = keras.layers.Dropout(recipe.dropout, dtype=precision)(x)
    for units in recipe.dense:
        x = keras.layers.Dense(units, use_bias=not recipe.normalise_dense, dtype=precision)(x)
        if recipe.normalise_dense:
            x = keras.layers.BatchNormalization(dtype=precision)(x)
        x = keras.layers.ReLU(dtype=precision)(x)
        x = keras.layers.Dropout(recipe.dropout, dtype=precision)(x)
    logits = keras.layers.Dense(classes, name=LOGITS, dtype="float32")(x)
    return keras.Model(pixels, logits, name=recipe.name)


def logits_model(model: keras.Model) -> keras.Model:
    """Return the part of a saved ``model`` before its softmax: pixels → logits ``[n, classes]``."""
    return keras.Model(model.input, model.get_layer(LOGITS).output)


def predict_logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Raw grey pixels ``uint8[n, h, w, 1]`` → logits ``float32[n, labels]`` of a saved model."""
    logits = logits_model(model).predict(images, batch_size=_BATCH, verbose=0)
    return np.asarray(logits, np.float32)


def balance_logits(model: keras.Model, shares: np.ndarray, balance: float) -> None:
    """Take ``balance`` times the logarithm of a class's share (``float32[labels]``) from its logit.

    Nothing changes with 0. Logit adjustment after training: Menon et al. 2020, arXiv 2007.07314.
    """
    if balance:
        kernel, bias = model.get_layer(LOGITS).get_weights()
        model.get_layer(LOGITS).set_weights([kernel, bias - balance * np.log(shares)])


def multiply_accumulates(model: keras.Model) -> int:
    """Return the multiplications of one image's convolutions and dense layers."""
    return sum(map(_multiplications, model.layers))


def _multiplications(layer: keras.layers.Layer) -> int:
    """Each kernel is applied at every place of the output: rows × columns, of a dense layer one."""
    if isinstance(layer, keras.layers.SeparableConv2D):
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
    elif isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
        kernels = [layer.kernel]
    else:
        return 0
    places = math.prod(layer.output.shape[1:-1])
    return int(places * sum(math.prod(kernel.shape) for kernel in kernels))


def _pixels(recipe: Recipe) -> keras.KerasTensor:
    return keras.Input((recipe.side, recipe.side, 1), name="pixels")
