"""A foreign network, built anew as the rest of the conversion expects one.

Raw grey pixels go in, the last layers are ``LOGITS`` and a softmax, no network is in another, and
all is float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from convert.errors import AdoptionError
from train.artifact import named_objects
from train.model import LOGITS

RANGES = {"0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0), "-1..1": (1 / 127.5, -1.0)}
"""What a network takes for black and white → factor and summand of raw pixels."""
_SIDES = (32, 224)


def rebuild(network: keras.Model, labels: Sequence[str], values: str) -> keras.Model:
    """Return ``network`` from raw grey pixels ``[n, side, side, 1]`` to probabilities.

    ``labels`` are those of its outputs in their order, ``values`` one of ``RANGES``; the outputs of
    the result are in the alphabetical order of ``labels``, which is that of folders. One that takes
    colours gets the grey value three times. Raises ``AdoptionError``.
    """
    side, channels = _input(network)
    copy = _Copy()
    pixels = keras.Input((side, side, 1), name="pixels")
    x = keras.layers.Concatenate(name="colours")([pixels] * 3) if channels == 3 else pixels
    scale, offset = RANGES[values]
    if (scale, offset) != (1, 0):
        x = keras.layers.Rescaling(scale, offset, name="rescaling")(x)
    features, kernel, bias = _last(copy.of(network, x), copy.made)
    if len(labels) != len(bias):
        raise AdoptionError(
            f"LABELS: expected {len(bias)} names, one for each output, found {len(labels)}; give "
            "them in the order in which it was trained"
        )
    order = np.argsort(np.array(labels), kind="stable")
    last = keras.layers.Dense(len(bias), name=LOGITS)
    outputs = keras.layers.Softmax(name="probabilities")(last(features))
    last.set_weights([kernel[:, order], bias[order]])
    return keras.Model(pixels, outputs, name="adopted")


def rescales_itself(network: keras.Model) -> bool:
    """Whether the first layers of ``network`` rescale what goes in."""
    kinds = keras.layers.Rescaling | keras.layers.Normalization
    return any(isinstance(layer, kinds) for layer in network.layers[:3])


def _input(network: keras.Model) -> tuple[int, int]:
    """Side and channels of the image that ``network`` takes."""
    given = [tuple(tensor.shape) for tensor in network.inputs or ()]
    taken = len(given) == 1 and len(given[0]) == 4
    _, height, width, channels = given[0] if taken else (None,) * 4
    least, most = _SIDES
    if height != width or channels not in (1, 3) or not least <= (height or 0) <= most:
        raise AdoptionError(
            f"expected one input of {least}×{least} to {most}×{most} pixels in 1 or 3 channels, "
            f"found {given or 'none'}; use another network"
        )
    if len(network.outputs) != 1 or len(network.outputs[0].shape) != 2:
        found = [tuple(tensor.shape) for tensor in network.outputs]
        raise AdoptionError(f"expected one output, a value for each class, found {found}")
    return height, channels


class _Copy:
    """Puts copies of a network's layers behind a tensor; ``made`` says what each tensor is of."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[keras.layers.Layer, Any]] = {}
        """By the tensor's identity: the layer that gives it, and what that one reads."""

    def of(self, network: keras.Model, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return what ``network`` makes of ``x``, through layers of which none is a network."""
        if len(network.inputs) != 1 or len(network.outputs) != 1:
            raise AdoptionError("expected networks with one input and one output, found another")
        graph = keras.Model(network.inputs[0], network.outputs[0])
        config = json.loads(graph.to_json())["config"]
        tensors: dict[str, keras.KerasTensor] = {}
        for entry in config["layers"]:
            name, nodes = entry["name"], entry["inbound_nodes"]
            if len(nodes) > 1:
                raise AdoptionError(
                    f"expected every layer once, found '{name}' in {len(nodes)} places; give each "
                    "place a layer of its own"
                )
            read = [tensors[other] for node in nodes for other in _read(node)]
            tensors[name] = self._apply(graph.get_layer(name), read) if nodes else x
        return tensors[config["output_layers"][0]]

    def _apply(
        self, layer: keras.layers.Layer, read: Sequence[keras.KerasTensor]
    ) -> keras.KerasTensor:
        if isinstance(layer, keras.Model):
            return self.of(layer, read[0])
        if isinstance(layer, keras.layers.Dropout):
            return read[0]
        copy = _copied(layer, f"layer_{len(self.made)}")
        given = list(read) if len(read) > 1 else read[0]
        tensor = copy(given)
        if copy.weights:
            copy.set_weights(layer.get_weights())
        self.made[id(tensor)] = copy, given
        return tensor


def _read(node: Mapping[str, Any]) -> Iterator[str]:
    """The names of the layers that one reads, by Keras' configuration of it."""
    for tensor in named_objects(node["args"]):
        yield tensor["config"]["keras_history"][0]


def _copied(layer: keras.layers.Layer, name: str) -> keras.layers.Layer:
    """A layer that computes what ``layer`` does, without weights yet."""
    if isinstance(layer, keras.layers.Normalization):
        return _rescaling(layer, name)
    config = {
        key: value
        for key, value in layer.get_config().items()
        if not key.endswith(("_initializer", "_regularizer", "_constraint")) and key != "trainable"
    }
    return type(layer).from_config(config | {"name": name, "dtype": "float32"})


def _rescaling(layer: keras.layers.Normalization, name: str) -> keras.layers.Layer:
    """The factors and summands of each channel, which it computes of a mean and a variance."""
    shape = (1, 1, 1, layer.input.shape[-1])
    offset, one = (np.asarray(layer(np.full(shape, value, np.float32))) for value in (0, 1))
    if offset.shape != shape:
        raise AdoptionError("expected a normalisation of channels, found one of pixels")
    return keras.layers.Rescaling(
        (one - offset).ravel().tolist(), offset.ravel().tolist(), name=name
    )


def _last(
    output: keras.KerasTensor, made: Mapping[int, tuple[keras.layers.Layer, Any]]
) -> tuple[keras.KerasTensor, np.ndarray, np.ndarray]:
    """The features that the logits are computed of, kernel and bias.

    Logits that are no dense layer's get one that changes nothing.
    """
    layer, read = made[id(output)]
    activation = _activation(layer)
    if activation == "softmax" and not isinstance(layer, keras.layers.Dense):
        output, activation = read, "linear"
        layer, read = made[id(output)]
        if not isinstance(layer, keras.layers.Dense) or _activation(layer) != "linear":
            classes = output.shape[-1]
            return output, np.eye(classes), np.zeros(classes)
    if not isinstance(layer, keras.layers.Dense) or activation not in ("softmax", "linear"):
        raise AdoptionError(
            f"expected a softmax as its end, or a dense layer of logits, found "
            f"{type(layer).__name__} ({activation}); train it with a softmax, an output a class"
        )
    kernel, *bias = layer.get_weights()
    return read, kernel, bias[0] if bias else np.zeros(kernel.shape[1])


def _activation(layer: keras.layers.Layer) -> str:
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return str(keras.activations.serialize(getattr(layer, "activation", None)) or "linear")
