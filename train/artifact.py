"""``Finalmodel.h5``: the network with its contract inside, written whole and read with care."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import shutil
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
from train.errors import ArtifactError
from train.native import memory_limit

LAYERS = frozenset(
    {"InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"}
    | {"Flatten", "Dense", "Softmax", "Resizing", "Add", "ZeroPadding2D"}
    | {
        "AveragePooling2D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "Concatenate",
        "Multiply",
    }
    | {"DepthwiseConv2D", "SeparableConv2D", "Activation", "LeakyReLU", "PReLU", "ELU", "Reshape"}
)
"""Layer classes that a model file may name. None of them runs code from the file."""
_CLASSES = {
    None: LAYERS | {"__keras_tensor__"},
    "keras": frozenset({"DTypePolicy"}),
    "keras.layers": LAYERS,
    "keras.initializers": frozenset({"GlorotUniform", "Zeros", "Ones"}),
}
"""All that the configuration may name, by module, at any depth."""
MAX_BYTES = 256 << 20
"""Of the file, and of the arrays that it declares: the ``seed`` network has 11 MB of weights."""
DAMAGE = (
    *(OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError),
    *(MemoryError, SystemError),
)
"""What h5py, json and Keras raise on a file that is not what it should be."""


def save_model(model: keras.Model, contract: ModelContract, path: Path, half: bool = False) -> None:
    """Write ``model`` and ``contract`` to ``path``, which keeps its old content on any failure.

    ``half`` writes the kernels as float16, in half the bytes; ``halve_kernels`` comes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        with _without_advice():
            model.save(temporary, include_optimizer=False)
        if half:
            _rewrite_halved(temporary)
        with h5py.File(temporary, "r+") as file:
            contract = dataclasses.replace(contract, graph_sha256=_digest(file))
            file.attrs[H5_ATTRIBUTE] = contract.to_json()


def halve_kernels(model: keras.Model) -> None:
    """Round the kernels of ``model`` to what float16 holds, so that they can be written as such."""
    model.set_weights([_halved(weight).astype(np.float32) for weight in model.get_weights()])


def _halved(weight: np.ndarray) -> np.ndarray:
    """What is no kernel keeps its precision: statistics can be too large for float16."""
    return weight.astype(np.float16) if weight.ndim > 1 else weight


def _rewrite_halved(path: Path) -> None:
    """Write the file anew: HDF5 doesn't give back what a smaller array leaves free."""
    with replacing(path) as smaller, h5py.File(path, "r") as old, h5py.File(smaller, "w") as new:

        def add(name: str, member: h5py.HLObject) -> None:
            if isinstance(member, h5py.Dataset):
                copy = new.create_dataset(name, data=_halved(member[()]))
            else:
                copy = new.require_group(name)
            copy.attrs.update(member.attrs)

        new.attrs.update(old.attrs)
        old.visititems(add)


def change_contract(path: Path, contract: ModelContract) -> None:
    """Write ``contract``, which was changed since it was read, into the model at ``path``.

    What was there before stays on any failure.
    """
    with replacing(path) as temporary:
        shutil.copyfile(path, temporary)
        with h5py.File(temporary, "r+") as file:
            file.attrs[H5_ATTRIBUTE] = contract.to_json()


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Hold back Keras' advice against HDF5, the format that the users of this file ask for."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(level)


def load_model(path: Path) -> tuple[keras.Model, ModelContract]:
    """Open ``path`` after a check of its sizes, its classes and its digest.

    Raises ``ArtifactError`` for anything that ``save_model`` would not have written.
    """
    if not path.is_file():
        raise _refusal(path, "something else" if path.exists() else "no such file")
    if path.stat().st_size > MAX_BYTES:
        raise _refusal(path, f"{path.stat().st_size} bytes (at most {MAX_BYTES})")
    try:
        with memory_limit(4 * MAX_BYTES), h5py.File(path, "r") as file:
            contract = _checked(path, file)
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except ContractError as error:
        raise _refusal(path, str(error)) from error
    except (*DAMAGE, tf.errors.OpError) as error:
        raise _refusal(path, f"a file that can't be read ({first_line(error)})") from error
    expected = [
        (None, contract.height, contract.width, contract.channels),
        (None, len(contract.labels)),
    ]
    found = [tuple(tensor.shape) for tensor in (*model.inputs, *model.outputs)]
    if found != expected:
        raise _refusal(path, f"input and output {found} where its contract says {expected}")
    return model, contract


def _checked(path: Path, file: h5py.File) -> ModelContract:
    """The contract of a ``file`` that holds nothing but what ``save_model`` writes."""
    check_arrays(file)
    digest = _digest(file)
    contract = ModelContract.from_json(file.attrs[H5_ATTRIBUTE])
    network = json.loads(file.attrs["model_config"])
    if set(network) != {"class_name", "config"} or network["class_name"] != "Functional":
        raise _refusal(path, "a model that is not a plain functional network")
    for named in named_objects(network["config"]):
        module, name = named.get("module"), named["class_name"]
        if name not in _CLASSES.get(module, ()) or named.get("registered_name") is not None:
            raise _refusal(path, f"layer or object {module or 'keras'}.{name}")
    if contract.graph_sha256 != digest:
        raise _refusal(path, "weights or a configuration that were changed since")
    return contract


def check_arrays(file: h5py.File) -> None:
    """Raise ``ValueError`` where arrays of ``file`` lie in other files, or are too large.

    A few bytes can declare terabytes.
    """
    declared = [0]

    def check(name: str, member: h5py.HLObject) -> None:
        if isinstance(member, h5py.Dataset):
            declared.append(math.prod(member.shape) * member.dtype.itemsize)
            if sum(declared) > MAX_BYTES:
                raise ValueError(f"arrays declared larger than {MAX_BYTES} bytes")
            if member.external or member.is_virtual:
                raise ValueError(f"{name} lies in another file")

    links: list[tuple[str, object]] = []
    file.visititems_links(lambda name, link: links.append((name, link)))
    for name, link in links:
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{name} is a link")  # noqa: TRY004 - of the file's content
    file.visititems(check)


def _digest(file: h5py.File) -> str:
    """SHA-256 over all that makes the network: everything but the contract, which holds it.

    Over what HDF5 reads, not over the bytes of the file: these change when an attribute is written.
    """
    digest = hashlib.sha256()

    def add(_: str, member: h5py.HLObject) -> None:
        attributes = {
            name: np.asarray(value).tolist()
            for name, value in sorted(member.attrs.items())
            if name != H5_ATTRIBUTE
        }
        digest.update(repr((member.name, attributes)).encode())
        if isinstance(member, h5py.Dataset):
            digest.update(repr((member.shape, member.dtype.str)).encode())
            digest.update(member[()].tobytes())

    add("/", file["/"])
    file.visititems(add)
    return digest.hexdigest()


def named_objects(node: Any) -> Iterator[dict[str, Any]]:
    """All objects with a class name, at any depth."""
    if isinstance(node, dict):
        if "class_name" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from named_objects(part)


def _refusal(path: Path, found: str) -> ArtifactError:
    return ArtifactError(
        f"{path}: expected a model written by 'make train', found {found}; "
        "train one with 'make train'"
    )
