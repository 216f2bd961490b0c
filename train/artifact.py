"""``Finalmodel.h5``: the network with its contract inside, written whole and read with care."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from absl import logging

from edge.contract import H5_ATTRIBUTE, ModelContract
from edge.errors import ContractError
from edge.files import replacing
from train.errors import ArtifactError

LAYERS = frozenset(
    {"InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"}
    | {"Flatten", "Dense", "Softmax"}
)
"""Layer classes that a model file may name. None of them runs code from the file."""
MAX_BYTES = 256 << 20
"""Of the file, and of the arrays that it declares: the ``seed`` network has 11 MB of weights."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def save_model(model: keras.Model, contract: ModelContract, path: Path) -> None:
    """Write ``model`` and ``contract`` to ``path``, which keeps its old content on any failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        with _quiet():
            model.save(temporary, include_optimizer=False)
        with h5py.File(temporary, "r+") as file:
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
    """Open ``path`` after a check of its size, its declared sizes and its layer classes.

    Raises ``ArtifactError`` for anything that ``save_model`` would not have written.
    """
    contract = _check_file(path)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _refusal(path, f"a file that Keras can't read ({_first_line(error)})") from error
    _check_shapes(path, model, contract)
    return model, contract


def _check_file(path: Path) -> ModelContract:
    if not path.is_file():
        raise _refusal(path, "no file")
    if not len(_SIGNATURE) < path.stat().st_size <= MAX_BYTES:
        raise _refusal(path, f"{path.stat().st_size} bytes (at most {MAX_BYTES})")
    with path.open("rb") as raw:
        if raw.read(len(_SIGNATURE)) != _SIGNATURE:
            raise _refusal(path, "a file that is not HDF5")
    try:
        with h5py.File(path, "r") as file:
            _check_arrays(path, file)
            _check_layers(path, file.attrs.get("model_config"))
            text = file.attrs.get(H5_ATTRIBUTE)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _refusal(path, f"a damaged HDF5 file ({_first_line(error)})") from error
    if not isinstance(text, str):
        raise _refusal(path, "no contract in it")
    try:
        return ModelContract.from_json(text)
    except ContractError as error:
        raise _refusal(path, str(error)) from error


def _check_arrays(path: Path, file: h5py.File) -> None:
    total = 0
    for array in _arrays(path, file):
        if array.is_virtual or array.external:
            raise _refusal(path, f"array {array.name} stored outside the file")
        total += int(np.prod(array.shape, dtype=object)) * array.dtype.itemsize
        if total > MAX_BYTES:
            raise _refusal(path, f"arrays declared larger than {MAX_BYTES} bytes")


def _arrays(path: Path, group: h5py.Group) -> Iterator[h5py.Dataset]:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refusal(path, f"link {name!r} to elsewhere")
        member = group[name]
        if isinstance(member, h5py.Group):
            yield from _arrays(path, member)
        else:
            yield member


def _check_layers(path: Path, text: Any) -> None:
    if not isinstance(text, str | bytes):
        raise _refusal(path, "no model configuration (weights alone?)")
    config = json.loads(text)
    classes = {config["class_name"]} - {"Functional"}
    for layer in config["config"]["layers"]:
        classes.add(layer["class_name"])
        if layer.get("module", "keras.layers") != "keras.layers":
            classes.add(f"{layer['module']}.{layer['class_name']}")
    unknown = sorted(classes - LAYERS)
    if unknown:
        raise _refusal(path, f"layer {', '.join(unknown)}")


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


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
