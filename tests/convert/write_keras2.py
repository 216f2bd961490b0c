"""Write ``keras2.h5`` and ``keras2.keras``, which Keras 2 alone writes as it does.

``pip install tf-keras`` beside TensorFlow, then ``python tests/convert/write_keras2.py``; the
printed answers belong into ``test_adopt.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from tf_keras import layers


def ramp(side: int, channels: int) -> np.ndarray:
    """``float64[1, side, side, channels]`` in 0…1."""
    values = np.arange(side * side * channels) % 251 / 250
    return values.reshape(1, side, side, channels)


def branched() -> Any:
    """A functional network that takes colours."""
    pixels = layers.Input((64, 64, 3))
    x = layers.SeparableConv2D(4, 3, use_bias=False)(pixels)
    x = layers.LeakyReLU()(layers.BatchNormalization()(x))
    short = layers.Conv2D(6, 1, strides=2, padding="same")(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Conv2D(6, 3, strides=2, padding="same")(x)
    x = layers.ELU()(layers.add([x, short]))
    x = layers.ReLU(6.0)(layers.concatenate([x, short]))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(x))
    return tf_keras.Model(pixels, layers.Activation("softmax")(x))


def plain() -> Any:
    """A sequential network as tutorials have it, ready to be trained on."""
    penalty = tf_keras.regularizers.l2(1e-4)
    model = tf_keras.Sequential(
        [
            layers.Conv2D(
                4, 3, padding="same", input_shape=(48, 48, 1), kernel_regularizer=penalty
            ),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(4),
            layers.Dropout(0.2),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "categorical_crossentropy")
    return model


if __name__ == "__main__":
    tf_keras.utils.set_random_seed(0)
    for build, suffix in ((branched, "h5"), (plain, "keras")):
        model = build()
        rng = np.random.default_rng(0)
        model.set_weights(
            [
                rng.uniform(0.1, 0.5, w.shape) * (1 if w.ndim < 2 else rng.choice([-2, 2], w.shape))
                for w in model.get_weights()
            ]
        )
        model.save(Path(__file__).with_name(f"keras2.{suffix}"))
        print(suffix, model.predict(ramp(*model.input_shape[2:]), verbose=0)[0].tolist())
