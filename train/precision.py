"""Which floating-point precision trains fastest on this machine, by measurement."""

from __future__ import annotations

import time

import tensorflow as tf

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
_ROUNDS = 4
_CLEARLY = 1.2
"""How many times faster bfloat16 must be: two runs of a recipe should choose the same, also on a
busy machine."""


def fastest() -> str:
    """Return the Keras dtype policy under which a convolution learns faster here.

    Processors without bfloat16 instructions emulate them, in the gradients many times slower than
    float32, and no flag says so on every platform; so both are timed in turn, which takes seconds.
    """
    policies = {FLOAT32: tf.float32, BFLOAT16: tf.bfloat16}
    data = {name: _operands(dtype) for name, dtype in policies.items()}
    learn = tf.function(_gradients)
    best = dict.fromkeys(policies, float("inf"))
    for attempt in range(_ROUNDS):
        for name, operands in data.items():
            start = time.perf_counter()
            learn(*operands)
            if attempt:
                best[name] = min(best[name], time.perf_counter() - start)
    return BFLOAT16 if best[FLOAT32] > _CLEARLY * best[BFLOAT16] else FLOAT32


def _gradients(images: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
    """What a step of training computes of a convolution: itself and both its gradients."""
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        result = tf.nn.conv2d(images, kernel, 1, "SAME")
    return list(tape.gradient(result, [images, kernel]))


def _operands(dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.ones((16, 24, 24, 64), dtype), tf.ones((3, 3, 64, 128), dtype)
