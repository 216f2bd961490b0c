"""``Finalmodel.h5``: the network with its contract inside, written whole and read with care."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from absl import logging

from edge.contract import H5_ATTRIBUTE, ModelContract
from edge.errors import ContractError, first_line
from edge.files import replacing
from train.data import LABELS
from train.errors import ArtifactError
from train.memory import at_most

LAYERS = frozenset(
    {"InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"}
    | {"Flatten", "Dense", "Softmax"}
)
"""Layer classes that a model file may name. None of them runs code from the file."""
_CLASSES = {
    None: LAYERS | {"__keras_tensor__"},
    "keras": frozenset({"DTypePolicy"}),
    "keras.layers": LAYERS,
    "keras.initializers": frozenset({"GlorotUniform", "Zeros", "Ones"}),
}
"""All that the configuration may name, by module, at any depth."""
_ACTIVATIONS = (None, "linear", "relu")
MAX_BYTES = 256 << 20
"""Of the file, and of the arrays that it declares: the ``seed`` network has 11 MB of weights."""
_DAMAGE = (
    *(OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError),
    MemoryError,
)
"""What h5py, json and Keras raise on a file that is not what it should be."""
_ROOM = 4 * MAX_BYTES
"""Of memory, for a look at such a file: its arrays, one at a time, and as text."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def save_model(model: keras.Model, contract: ModelContract, path: Path) -> None:
    """Write ``model`` and ``contract`` to ``path``, which keeps its old content on any failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        with _quiet():
            model.save(temporary, include_optimizer=False)
        with h5py.File(temporary, "r+") as file:
            contract = dataclasses.replace(contract, graph_sha256=_digest(path, file))
            file.attrs[H5_ATTRIBUTE] = contract.to_json()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back Keras' advice against HDF5, the format that the users of this file ask for."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def load_model(path: Path) -> tuple[keras.Model, ModelContract]:
    """Open ``path`` after a check of its size, declared sizes, layer classes and digest.

    Raises ``ArtifactError`` for anything that ``save_model`` would not have written.
    """
    contract = _check_file(path)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (*_DAMAGE, tf.errors.OpError) as error:
        raise _refusal(path, f"a file that Keras can't read ({first_line(error)})") from error
    _check_shapes(path, model, contract)
    return model, contract


def _check_file(path: Path) -> ModelContract:
    if not path.is_file():
        raise _refusal(path, "something else" if path.exists() else "no such file")
    if not len(_SIGNATURE) < path.stat().st_size <= MAX_BYTES:
        raise _refusal(path, f"{path.stat().st_size} bytes (at most {MAX_BYTES})")
    with path.open("rb") as raw:
        if raw.read(len(_SIGNATURE)) != _SIGNATURE:
            raise _refusal(path, "a file that is not HDF5")
    try:
        # HDF5 takes what a damaged length says and fills it with zeros, until the system kills us.
        with at_most(_ROOM), h5py.File(path, "r") as file:
            _check_arrays(path, file)
            text = file.attrs.get(H5_ATTRIBUTE)
            if not isinstance(text, str):
                raise _refusal(path, "no contract in it")
            contract = ModelContract.from_json(text)
            if contract.labels != LABELS:
                raise _refusal(path, f"the labels {', '.join(contract.labels)}")
            _check_configuration(path, file, contract)
            if contract.graph_sha256 != _digest(path, file):
                raise _refusal(path, "weights or a configuration that were changed since")
            return contract
    except ContractError as error:
        raise _refusal(path, str(error)) from error
    except _DAMAGE as error:
        raise _refusal(path, f"a damaged HDF5 file ({first_line(error)})") from error


def _check_arrays(path: Path, file: h5py.File) -> None:
    total = 0
    for array in _members(path, file):
        if isinstance(array, h5py.Group):
            continue
        if array.is_virtual or array.external:
            raise _refusal(path, f"array {array.name} stored outside the file")
        total += int(np.prod(array.shape, dtype=object)) * array.dtype.itemsize
        if total > MAX_BYTES:
            raise _refusal(path, f"arrays declared larger than {MAX_BYTES} bytes")


def _digest(path: Path, file: h5py.File) -> str:
    """SHA-256 over all that makes the network: everything but the contract, which holds it.

    Over what HDF5 reads, not over the bytes of the file: these change when an attribute is written.
    """
    digest = hashlib.sha256()
    for member in _members(path, file):
        attributes = {
            name: np.asarray(value).tolist()
            for name, value in sorted(member.attrs.items())
            if name != H5_ATTRIBUTE
        }
        digest.update(repr((member.name, attributes)).encode())
        if isinstance(member, h5py.Dataset):
            digest.update(repr((member.shape, member.dtype.str)).encode())
            digest.update(member[()].tobytes())
    return digest.hexdigest()


def _members(path: Path, group: h5py.Group) -> Iterator[h5py.Group | h5py.Dataset]:
    """``group`` and all that is in it, at any depth, in a fixed order."""
    yield group
    for name in sorted(group):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refusal(path, f"link {name!r} to elsewhere")
        member = group[name]
        if isinstance(member, h5py.Group):
            yield from _members(path, member)
        else:
            yield member


def _check_configuration(path: Path, file: h5py.File, contract: ModelContract) -> None:
    """Refuse a network that names what it must not, or is larger than its stored arrays.

    Keras builds a network from its configuration before it looks at the arrays: a width or an
    input size there would be memory.
    """
    text = file.attrs.get("model_config")
    if not isinstance(text, str | bytes):
        raise _refusal(path, "no model configuration (weights alone?)")
    network = json.loads(text)
    if set(network) != {"class_name", "config"} or network["class_name"] != "Functional":
        raise _refusal(path, "a model that is not a plain functional network")
    for named in _named(network["config"]):
        module, name = named.get("module"), named["class_name"]
        if name not in _CLASSES.get(module, ()) or named.get("registered_name") is not None:
            raise _refusal(path, f"layer or object {module or 'keras'}.{name}")
    for layer in network["config"]["layers"]:
        _check_layer(path, file, contract, layer)


def _check_layer(
    path: Path, file: h5py.File, contract: ModelContract, layer: dict[str, Any]
) -> None:
    settings = layer["config"]
    if settings.get("activation") not in _ACTIVATIONS:
        raise _refusal(path, f"activation {settings['activation']!r}")
    if layer["class_name"] == "InputLayer":
        expected = [None, contract.height, contract.width, contract.channels]
        if settings["batch_shape"] != expected:
            raise _refusal(path, f"input {settings['batch_shape']}, not its contract's {expected}")
    width = settings.get("units", settings.get("filters"))
    if width is not None:
        name = settings["name"]
        stored = file["model_weights"][name][name]["kernel"].shape[-1]
        if width != stored:
            raise _refusal(path, f"layer {name} of width {width} with an array of width {stored}")


def _named(node: Any) -> Iterator[dict[str, Any]]:
    """All objects with a class name, at any depth."""
    if isinstance(node, dict):
        if "class_name" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _named(part)


def _check_shapes(path: Path, model: keras.Model, contract: ModelContract) -> None:
    expected = [
        (None, contract.height, contract.width, contract.channels),
        (None, len(contract.labels)),
    ]
    found = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    if found != expected:
        raise _refusal(path, f"input and output {found} where its contract says {expected}")


def _refusal(path: Path, found: str) -> ArtifactError:
    return ArtifactError(
        f"{path}: expected a model written by 'make train', found {found}; "
        "train one with 'make train'"
    )
