"""A Keras file that something else than our training wrote, opened with care.

Keras never reads its configuration: the network is built anew from ``plain_configuration``, and the
file gives the weights alone.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

from convert.configuration import plain_configuration
from convert.errors import AdoptionError
from edge.contract import H5_ATTRIBUTE, ZIP_DAMAGE
from edge.errors import first_line
from train.artifact import DAMAGE, MAX_BYTES, check_arrays
from train.native import memory_limit

_MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_MAX_CONFIGURATION = 1 << 24
"""Bytes of JSON: that of a network with hundreds of layers has a tenth of it."""


def open_foreign(path: Path) -> keras.Model:
    """Open the model at ``path``: ``.h5``, ``.hdf5`` or ``.keras``, of Keras 2 or 3.

    Raises ``AdoptionError`` for a file that is missing, damaged, too large, or has anything but
    plain layers.
    """
    if not path.is_file():
        raise _refusal(path, "something else" if path.exists() else "no such file")
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise _refusal(path, f"a name that ends in '{path.suffix}'")
    if path.stat().st_size > MAX_BYTES:
        raise _refusal(path, f"{path.stat().st_size} bytes (at most {MAX_BYTES})")
    try:
        with memory_limit(4 * MAX_BYTES), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, about files of Keras 2
            network = json.loads(_configuration(path))
            model = keras.models.model_from_json(json.dumps(plain_configuration(network)))
            model.load_weights(path)
    except AdoptionError as error:
        raise AdoptionError(f"{path}: {error}") from error
    except (*DAMAGE, *ZIP_DAMAGE, tf.errors.OpError) as error:
        raise _refusal(path, f"a file that can't be read ({first_line(error)})") from error
    return model


def _configuration(path: Path) -> Any:
    """The JSON text that says which network it is, of a file whose arrays are what they should be.

    Raises ``AdoptionError``, and what h5py and zipfile raise of damage.
    """
    if path.suffix == ".keras":
        return _of_archive(path)
    with h5py.File(path, "r") as file:
        check_arrays(file)
        if H5_ATTRIBUTE in file.attrs:
            raise AdoptionError(
                "expected a model that something else wrote, found one with a contract; convert it "
                "without LABELS and INPUT"
            )
        if "model_config" not in file.attrs:
            raise AdoptionError(
                "expected a network with its weights, found no network; write it with model.save()"
            )
        return file.attrs["model_config"]


def _of_archive(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        size = sum(member.file_size for member in members)
        if size > MAX_BYTES or archive.getinfo("config.json").file_size > _MAX_CONFIGURATION:
            raise AdoptionError(
                f"expected at most {MAX_BYTES} bytes when it is unpacked, found {size}; use a "
                "smaller network"
            )
        if len(set(names)) != len(names) or not set(names) <= _MEMBERS:
            raise AdoptionError(
                f"expected {', '.join(sorted(_MEMBERS))} in it, found {', '.join(sorted(names))}; "
                "write it with model.save()"
            )
        with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
            check_arrays(file)
        return archive.read("config.json")


def _refusal(path: Path, found: str) -> AdoptionError:
    return AdoptionError(
        f"{path}: expected a model that Keras wrote, .h5, .hdf5 or .keras, found {found}; give "
        "another with H5=…"
    )
