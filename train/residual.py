"""Residual networks (He et al. 2015, arXiv 1512.03385): what looks at a face before the logits."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras

from train.recipe import Residual

GREY = 116
"""The mean grey of a face in dlib's training images; small networks don't mind another one."""
RANGE = 256

Layer = Callable[..., keras.layers.Layer]


def features(
    pixels: keras.KerasTensor, network: Residual, precision: str, normalise: Layer
) -> keras.KerasTensor:
    """Raw grey pixels ``[n, h, w, 1]`` in 0…255 → ``[n, filters of the last stage]``.

    ``precision`` is a Keras dtype policy, ``normalise`` the class of batch normalisation.
    """
    x = pixels
    if x.shape[1] != network.side:
        # Its default, True, would reach all layers behind it where nobody says which it is.
        x = keras.layers.Resizing(network.side, network.side, dtype="float32")(x, training=False)
    x = keras.layers.Rescaling(1 / RANGE, -GREY / RANGE, dtype=precision)(x)
    convolve = functools.partial(_convolve, precision=precision, normalise=normalise)
    if network.dlib:
        x = convolve(x, network.stem, 7, strides=2, padding="valid")
        x = keras.layers.ReLU(dtype=precision)(x)
        x = keras.layers.MaxPooling2D(3, 2, dtype=precision)(x)
    else:
        x = convolve(x, network.stem, 3)
        x = keras.layers.ReLU(dtype=precision)(x)
    for stage, (filters, blocks) in enumerate(network.stages):
        for block in range(blocks):
            first = block == 0 and (stage > 0 or not network.dlib)
            x = _block(x, filters, convolve, first, network.dlib, precision)
    return keras.layers.GlobalAveragePooling2D(dtype=precision)(x)


def _convolve(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    precision: str,
    normalise: Layer,
    strides: int = 1,
    padding: str = "same",
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        filters, size, strides, padding, use_bias=False, dtype=precision
    )(x)  # fmt: skip
    return normalise(dtype=precision)(x)


def _block(
    x: keras.KerasTensor, filters: int, convolve: Layer, halves: bool, dlib: bool, precision: str
) -> keras.KerasTensor:
    """Two convolutions beside a shortcut; the first of a stage ``halves`` the sides.

    dlib pads nothing there, and adds the smaller of the two to a part of the other.
    """
    shortcut = x
    if halves:
        x = convolve(x, filters, 3, strides=2, padding="valid" if dlib else "same")
        pool = keras.layers.AveragePooling2D(
            2, padding="valid" if dlib else "same", dtype=precision
        )
        shortcut = pool(shortcut)
    else:
        x = convolve(x, filters, 3)
    if filters != shortcut.shape[-1]:
        shortcut = keras.layers.Conv2D(filters, 1, use_bias=False, dtype=precision)(shortcut)
    x = keras.layers.ReLU(dtype=precision)(x)
    x = convolve(x, filters, 3)
    if missing := shortcut.shape[1] - x.shape[1]:
        x = keras.layers.ZeroPadding2D(((0, missing), (0, missing)), dtype=precision)(x)
    x = keras.layers.Add(dtype=precision)([x, shortcut])
    return keras.layers.ReLU(dtype=precision)(x)
