"""Which floating-point precision trains fastest on this machine, by measurement."""

from __future__ import annotations

import time

import tensorflow as tf

FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
_ROUNDS = 8
_CLEARLY = 1.25
"""How many times faster bfloat16 must be: instructions for it make it about 1.7 times, emulation on
a busy machine seems so for a moment, and two runs of a recipe should choose the same."""


def fastest() -> str:
    """Return the Keras dtype policy under which a convolution runs faster here.

    Processors without bfloat16 instructions emulate them, several times slower than float32, and
    no flag says so on every platform; so both are timed, interleaved, for about a second.
    """
    policies = {FLOAT32: tf.float32, BFLOAT16: tf.bfloat16}
    data = {name: _operands(dtype) for name, dtype in policies.items()}
    convolve = tf.function(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"))
    best = dict.fromkeys(policies, float("inf"))
    for attempt in range(_ROUNDS):
        for name, operands in data.items():
            start = time.perf_counter()
            convolve(*operands)
            if attempt:
                best[name] = min(best[name], time.perf_counter() - start)
    return BFLOAT16 if best[FLOAT32] > _CLEARLY * best[BFLOAT16] else FLOAT32


def _operands(dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.ones((64, 24, 24, 64), dtype), tf.ones((3, 3, 64, 128), dtype)
