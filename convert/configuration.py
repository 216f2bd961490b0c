"""A foreign network's configuration, reduced to plain layers and written as Keras 3 writes it.

Nothing is taken over that is not known: a layer is a name from a list, with the options that its
constructor has. Keras 2 and 3 differ in how they name modules, inputs and options.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from convert.errors import AdoptionError
from train.artifact import LAYERS, named_objects

_NETWORKS = {
    "Sequential": "keras.src.models.sequential",
    "Functional": "keras.src.models.functional",
    "Model": "keras.src.models.functional",  # before Keras 2.4
}
_TRAINING_ONLY = frozenset(
    {"Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise"}
    | {"ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast"}
    | {"RandomBrightness", "RandomTranslation"}
)
"""What changes nothing when a network is used."""
_UNUSED = ("_initializer", "_regularizer", "_constraint")
"""How options end that only a training reads."""
_SET_BY_US = frozenset({"dtype", "batch_input_shape", "input_dtype"})
_DIFFERENT = "hard_sigmoid"
"""The activation that Keras 2 and 3 compute differently."""
_DEEPEST = 8
_MOST = 1 << 16
"""Of anything that an option counts: such a layer's weights would already fill the memory."""


def plain_configuration(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``network``, what a file says of itself, for ``keras.models.model_from_json``.

    Raises ``AdoptionError`` where it has what is not plain, and ``KeyError``, ``TypeError``,
    ``AttributeError`` or ``ValueError`` where it is no configuration.
    """
    if network["class_name"] not in _NETWORKS:
        raise _refusal(network)
    return _network(network, 0)


def _network(node: Mapping[str, Any], depth: int) -> dict[str, Any]:
    _check_origin(node)
    if depth > _DEEPEST:
        raise AdoptionError(f"expected a network in a network, found {depth} of them")
    config = node["config"]
    kind = "Sequential" if node["class_name"] == "Sequential" else "Functional"
    if kind == "Sequential":
        config = config if isinstance(config, dict) else {"layers": config}  # before Keras 2.2.3
        kept = {"layers": list(_sequence(config, depth))}
    else:
        layers = [_node(layer, depth) for layer in config["layers"]]
        kept = {"layers": layers} | {key: config[key] for key in ("input_layers", "output_layers")}
    kept |= {key: config[key] for key in ("name", "trainable") if key in config}
    return _object(kind, _NETWORKS[kind], kept)


def _sequence(config: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """The layers of a ``Sequential``, the first of which says what goes in."""
    layers = config["layers"]
    first = layers[0]
    if first["class_name"] != "InputLayer":
        own = first["config"]
        given = own.get("batch_input_shape") if isinstance(own, dict) else None
        if shape := given or config.get("build_input_shape"):
            yield _object("InputLayer", "keras.layers", {"batch_shape": shape})
    for layer in layers:
        yield _layer(layer, depth)


def _node(node: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """A layer of a functional network, with the layers that it reads."""
    read = node["inbound_nodes"]
    for named in named_objects(read):
        if named["class_name"] != "__keras_tensor__":
            raise _refusal(named)
    return _layer(node, depth) | {"name": node["name"], "inbound_nodes": read}


def _layer(node: Mapping[str, Any], depth: int) -> dict[str, Any]:
    kind, config = node["class_name"], node["config"]
    if kind in _NETWORKS:
        return _network(node, depth + 1)
    _check_origin(node)
    if kind in _TRAINING_ONLY:
        return _object("Dropout", "keras.layers", {"name": config["name"], "rate": 0})
    if kind == "InputLayer":
        shape = config.get("batch_shape") or config["batch_input_shape"]
        return _object(
            kind, "keras.layers", {"name": config.get("name"), "batch_shape": list(shape)}
        )
    if kind not in LAYERS | {"Normalization"}:
        raise _refusal(node)
    return _object(kind, "keras.layers", dict(_options(kind, config)))


def _options(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The options of a layer of this ``kind``, without those that only a training reads."""
    known = {"name", "trainable", *inspect.signature(getattr(keras.layers, kind)).parameters}
    if kind == "LeakyReLU":
        known.add("alpha")  # what Keras 2 calls its negative slope
    if kind == "BatchNormalization" and isinstance(config["axis"], list):  # of Keras 2
        config = {**config, "axis": config["axis"][0]}
    for key, value in config.items():
        if key in _SET_BY_US or key.endswith(_UNUSED):
            continue
        if isinstance(value, dict) or value == _DIFFERENT:
            shown = value["class_name"] if isinstance(value, dict) else value
            raise AdoptionError(f"expected plain options, found {key} {shown} in a {kind}")
        if isinstance(value, int) and value > _MOST:
            raise AdoptionError(f"expected at most {_MOST}, found {key} {value} in a {kind}")
        if key in known:
            yield key, value
        elif value not in (None, False, 1):
            raise AdoptionError(f"expected the options of a {kind}, found {key} {value!r}")
        if key == "data_format" and value == "channels_first":
            raise AdoptionError(f"expected channels last, found {value} in a {kind}")


def _check_origin(node: Mapping[str, Any]) -> None:
    """Refuse somebody's own class that bears the name of a plain one."""
    package = str(node.get("module") or "keras").split(".")[0]
    registered = node.get("registered_name")
    if package not in ("keras", "tf_keras") or registered not in (None, node["class_name"]):
        raise _refusal(node)


def _object(kind: str, module: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def _refusal(node: Mapping[str, Any]) -> AdoptionError:
    name = ".".join(str(node[key]) for key in ("module", "class_name") if node.get(key))
    return AdoptionError(
        f"expected plain layers of Keras, found {name}; write it with such layers, without code of "
        "your own"
    )
