"""Two exact or averaged corrections that make a network quantise better.

Cross-layer equalisation: ReLU lets a channel be scaled down before it and the weights that read it
be scaled up after it, without changing what the network computes. Done so that activations and
weights share the burden, no channel wastes the one scale of its tensor (Nagel et al. 2019,
arXiv 1906.04721; the split between the two is SmoothQuant's with α = 1/2, arXiv 2211.10438).

Bias correction: rounding shifts the mean of the logits; the shift, measured on the representative
dataset, is taken off the last bias (Nagel et al. 2019, section 4.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import keras
import numpy as np
from numpy.typing import NDArray

from edge.vision.classifier import dequantise, quantise
from edge.vision.interpreter import open_model
from train.model import LOGITS, predict_logits
from train.native import native_stderr_hidden

_TINY = 1e-6
_BATCH = 256
_RELU, _LINEAR = keras.activations.relu, keras.activations.linear
_LETS_THROUGH = (
    *(keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.ZeroPadding2D),
    *(keras.layers.GlobalMaxPooling2D, keras.layers.GlobalAveragePooling2D, keras.layers.Flatten),
)
"""What gives a multiple of a channel where it gets one."""


def equalise(model: keras.Model, sample: NDArray[np.uint8]) -> keras.Model:
    """Return a network that computes what ``model`` does, with balanced channels.

    ``sample`` is the representative dataset, ``uint8[n, h, w, 1]``.
    """
    balanced = _copy(model)
    found = list(_chains(model))
    if not found:
        return balanced
    outputs = {layer.name: layer.output for _, layer, _ in found}
    activations = keras.Model(model.input, outputs).predict(sample, batch_size=_BATCH, verbose=0)
    for writer, layer, reader in found:
        parts = balanced.get_layer(writer.name), balanced.get_layer(reader.name)
        _balance(*parts, activations[layer.name])
    return balanced


def correct_bias(model: keras.Model, flatbuffer: bytes, sample: NDArray[np.uint8]) -> keras.Model:
    """Return ``model`` with the mean error of ``flatbuffer``'s logits taken off its last bias.

    ``flatbuffer`` is ``model`` quantised, ``sample`` the representative dataset.
    """
    with native_stderr_hidden():
        opened = open_model(flatbuffer, "int8")
    pixels = quantise(sample, opened.inputs[0])
    rows = [opened.run(pixel[np.newaxis])[0][0] for pixel in pixels]
    error = dequantise(np.stack(rows), opened.outputs[0]) - predict_logits(model, sample)
    corrected = _copy(model)
    kernel, bias = corrected.get_layer(LOGITS).get_weights()
    corrected.get_layer(LOGITS).set_weights([kernel, bias - error.mean(axis=0)])
    return corrected


def _balance(
    writer: keras.layers.Layer, reader: keras.layers.Layer, values: NDArray[np.float32]
) -> None:
    """Divide each channel that ``writer`` gives by a factor, and multiply it into ``reader``.

    ``values`` are the channels' activations, ``float32[…, channels]``. The first two weights of a
    writer (kernel and bias, or the normalisation's gamma and beta) have the channel last; a
    reader's kernel has it last but one, behind the positions where it was flattened.
    """
    channels = values.shape[-1]
    kernel, *rest = reader.get_weights()
    by_channel = kernel.reshape(-1, channels, kernel.shape[-1])
    reach = np.abs(values).reshape(-1, channels).max(axis=0)
    weight = np.abs(by_channel).max(axis=(0, 2))
    alive = (reach > _TINY) & (weight > _TINY)
    ratio = np.sqrt(np.where(alive, reach, 1) / np.where(alive, weight, 1))
    factor = np.where(alive, ratio / np.exp(np.log(ratio[alive]).mean()), 1) if alive.any() else 1
    factor = np.broadcast_to(np.asarray(factor, np.float32), (channels,))
    scale, shift, *others = writer.get_weights()
    writer.set_weights([scale / factor, shift / factor, *others])
    reader.set_weights([(by_channel * factor[:, np.newaxis]).reshape(kernel.shape), *rest])


def _chains(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, ...]]:
    """The layer that writes, the one that ends in ReLU (it may be the same) and the one that reads.

    Nothing else reads what is between them, and all of it lets a factor through.
    """
    makers = {id(layer.output): layer for layer in model.layers}
    readers: dict[int, list[keras.layers.Layer]] = defaultdict(list)
    for layer in model.layers:
        for tensor in keras.tree.flatten(layer.input):
            readers[id(tensor)] += [layer] * (tensor is not layer.output)
    for layer in model.layers:
        writer = layer
        if _is_relu(layer):
            writer = makers[id(layer.input)]
            if len(readers[id(writer.output)]) > 1:
                continue
        elif not (_weighted(layer) and layer.activation is _RELU):
            continue
        reader = layer
        while len(readers[id(reader.output)]) == 1:
            reader = readers[id(reader.output)][0]
            if not isinstance(reader, _LETS_THROUGH):
                break
        if reader is not layer and _weighted(reader) and _writes(writer, writer is layer):
            yield writer, layer, reader


def _is_relu(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is _RELU
    return isinstance(layer, keras.layers.ReLU) and (
        (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0)
    )


def _weighted(layer: keras.layers.Layer) -> bool:
    """Whether each channel that it reads has weights of its own."""
    kinds = keras.layers.Conv2D | keras.layers.Dense
    return isinstance(layer, kinds) and getattr(layer, "groups", 1) == 1


def _writes(layer: keras.layers.Layer, activated: bool) -> bool:
    """Whether its first two weights scale and shift the channels that it gives."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return bool(layer.scale and layer.center)
    return _weighted(layer) and layer.use_bias and (activated or layer.activation is _LINEAR)


def _copy(model: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy
