"""Where a training step's time goes: each kind of operation of the network, timed alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from train.data import IMAGE_SIZE
from train.model import FusedBatchNormalization
from train.recipes import Recipe

_ROUNDS = 5
DTYPES = ("float32", "bfloat16")


def measure(recipe: Recipe) -> dict[str, dict[str, float]]:
    """Return milliseconds a batch, forward and backward, by operation and by dtype.

    Summed over the sets of convolutions; medians of a few rounds after one to warm up. What is left
    of a step are the dense layers and the optimiser.
    """
    totals: dict[str, dict[str, float]] = {}
    for dtype in DTYPES:
        for name, forward, operand in _operations(recipe, dtype):
            by_dtype = totals.setdefault(name, dict.fromkeys(DTYPES, 0.0))
            by_dtype[dtype] += _milliseconds(forward, operand)
    return totals


def _operations(
    recipe: Recipe, dtype: str
) -> Iterator[tuple[str, Callable[[tf.Tensor], tf.Tensor], tf.Tensor]]:
    """Name, function and operand ``[batch, h, w, c]`` of every operation of the sets."""
    size, channels = IMAGE_SIZE, 1
    policy = "mixed_bfloat16" if dtype == "bfloat16" else dtype
    for width, closes in recipe.convolutions():
        pixels = tf.cast(tf.random.normal((recipe.batch_size, size, size, channels)), dtype)
        features = tf.cast(tf.random.normal((recipe.batch_size, size, size, width)), dtype)
        convolution, plain, fused = (
            keras.layers.Conv2D(width, 3, padding="same", use_bias=False, dtype=policy),
            keras.layers.BatchNormalization(dtype=policy),
            FusedBatchNormalization(dtype=policy),
        )
        yield "convolution", convolution, pixels
        yield "batch normalisation, Keras", _training(plain), features
        yield "batch normalisation, fused", _training(fused), features
        if closes:
            pooling = keras.layers.MaxPooling2D(dtype=policy)
            yield "max pooling", pooling, features
            features = pooling(features)
            size //= 2
        yield "ReLU", tf.nn.relu, features
        channels = width


def _training(layer: keras.layers.Layer) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: layer(x, training=True)


def _milliseconds(forward: Callable[[tf.Tensor], tf.Tensor], operand: tf.Tensor) -> float:
    """Median of forward and backward together, with the gradients of operand and weights."""
    forward(operand)  # creates the weights
    weights = getattr(forward, "trainable_variables", [])
    variables = [variable.value for variable in weights]

    @tf.function  # type: ignore[untyped-decorator]
    def step(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = forward(x)
        return tape.gradient(output, [x, *variables], output_gradients=output)  # type: ignore[no-any-return]

    samples = []
    for _ in range(1 + _ROUNDS):
        start = time.perf_counter()
        step(operand)
        samples.append(1e3 * (time.perf_counter() - start))
    return statistics.median(samples[1:])
