"""The weights of dlib's face recognition network, as the beginning of a recipe's network.

Davis King's ``dlib_face_recognition_resnet_model_v1.dat`` (github.com/davisking/dlib-models, CC0)
tells people apart after three million photographs. ``train/fetch.py`` fetches it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from train.data import Split
from train.errors import ArtifactError
from train.fetch import FACE_WEIGHTS, SHA256
from train.model import build
from train.recipe import Recipe
from train.residual import GREY, RANGE

_LAYER = re.compile(rb"\x05con_\d|\x07affine_|\x04fc_\d")
"""How a layer with weights begins: the length of its name, and the name with its version."""
_MEANS = np.array((122.782, 117.001, 104.298))
"""What dlib subtracts from red, green and blue; the network here subtracts one grey from all."""
_SAMPLE = 256


def read_face_weights(path: Path = FACE_WEIGHTS, sha256: str = SHA256) -> list[NDArray[np.float32]]:
    """Return the weights at ``path``, flat, in the order of ``tensors``.

    Raises ``ArtifactError`` where they are not the pinned ones.
    """
    try:
        content = path.read_bytes()
        found = f"SHA-256 {hashlib.sha256(content).hexdigest()[:12]}…"
    except OSError as error:
        content, found = b"", error.strerror or "nothing"
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactError(
            f"{path}: expected dlib's face recognition network, found {found}; fetch it with "
            "'make face-weights'"
        )
    return tensors(content)


def tensors(content: bytes) -> list[NDArray[np.float32]]:
    """Return the weights in ``content``, a network as dlib writes it, from input to output.

    Flat float32 arrays, one a layer: of a convolution the kernel (output, input, height, width),
    then the biases; of an affine layer, which batch normalisation became, scales, then biases; of
    a dense layer the kernel (input, output).
    """
    found, place = [], 0
    while layer := _LAYER.search(content, place):
        place = layer.end()
        if layer.group().startswith(b"\x04fc"):
            for _ in range(2):  # outputs and inputs
                _, place = _integer(content, place)
        tensor, place = _tensor(content, place)
        found.append(tensor)
    return found


def face_start(
    recipe: Recipe, weights: Sequence[NDArray[np.float32]], split: Split
) -> list[NDArray[np.float32]]:
    """Return the weights that the network of ``recipe`` begins with, in the order of ``build``'s.

    It computes what dlib's network does on the grey images of ``split``, whether it normalises by
    their statistics or by its own; ``weights`` are as ``read_face_weights`` returns them. The
    layers behind the last residual block are random.
    """
    model = build(recipe, len(split.classes))
    insert(model, weights)
    return fit_normalisation(model, split.images[:: max(len(split.images) // _SAMPLE, 1)])


def insert(model: keras.Model, weights: Sequence[NDArray[np.float32]]) -> None:
    """Put ``weights`` into the residual part of ``model``, whose batch normalisations do nothing.

    Scales go into the kernels: Adam's steps have one size, and would undo dlib's small kernels.
    """
    kernels = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    main = [layer for layer in kernels if layer.kernel_size != (1, 1)]
    count = len(main)
    for convolution, norm, flat, affine in zip(
        main, norms, weights[0::2][:count], weights[1::2][:count], strict=True
    ):
        filters = convolution.filters
        shape = (filters, -1, *convolution.kernel_size)
        scale, offset = np.split(affine, 2)
        kernel = scale * flat[:-filters].reshape(shape).transpose(2, 3, 1, 0)
        offset = offset + scale * flat[-filters:]
        grey = convolution is main[0]  # its three colours are the same here
        if grey:
            offset = offset + np.einsum("hwco,c->o", kernel, GREY - _MEANS) / RANGE
        convolution.set_weights([kernel.sum(axis=2, keepdims=True) if grey else kernel])
        ones = np.ones(filters)
        norm.set_weights([ones, offset, 0 * ones, ones - norm.epsilon])
    for shortcut in (layer for layer in kernels if layer.kernel_size == (1, 1)):
        before, after = shortcut.kernel.shape[2:]
        shortcut.set_weights([np.eye(before, after)[None, None]])


def fit_normalisation(model: keras.Model, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Give the batch normalisations of ``model`` the statistics of ``images``; return all weights.

    Scales and offsets follow, so that the network computes what it did, in training too.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = keras.Model(model.input, [norm.input for norm in norms])
    for norm, values in zip(norms, before.predict(images, batch_size=64, verbose=0), strict=True):
        scale, offset, mean, variance = norm.get_weights()
        scale = scale / np.sqrt(variance + norm.epsilon)
        offset = offset - scale * mean
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        spread = np.sqrt(variance + norm.epsilon)
        norm.set_weights([scale * spread, offset + scale * mean, mean, variance])
    return list(model.get_weights())


def _integer(content: bytes, place: int) -> tuple[int, int]:
    """The integer at ``place`` and what comes behind it: a byte that says how many, then these."""
    end = place + 1 + content[place]
    return int.from_bytes(content[place + 1 : end], "little"), end


def _tensor(content: bytes, place: int) -> tuple[NDArray[np.float32], int]:
    """The tensor at ``place``: a version, four dimensions, little-endian float32."""
    size = 1
    _, place = _integer(content, place)
    for _ in range(4):
        dimension, place = _integer(content, place)
        size *= dimension
    end = place + 4 * size
    return np.frombuffer(content[place:end], "<f4").astype(np.float32), end
