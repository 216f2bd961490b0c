"""The h5 comes back as it was, and a file that is anything else is refused before it is opened."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from edge.contract import H5_ATTRIBUTE, ModelContract
from train.artifact import change_contract, load_model, save_model
from train.errors import ArtifactError
from train.layout import EXPRESSIONS
from train.model import build
from train.recipe import Recipe

CONTRACT = ModelContract(labels=EXPRESSIONS, height=48, width=48, channels=1)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("h5") / "m.h5"
    save_model(build(Recipe("tiny", sets=((4,), (4,), (4,)), dense=(8, 8, 8))), CONTRACT, path)
    return path.read_bytes()


def test_round_trip(tmp_path: Path) -> None:
    model = build(Recipe("tiny", sets=((4,), (4,), (4,)), dense=(8, 8, 8)))
    save_model(model, CONTRACT, tmp_path / "m.h5")
    again, contract = load_model(tmp_path / "m.h5")
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)
    assert dataclasses.replace(contract, graph_sha256="") == CONTRACT
    np.testing.assert_array_equal(again(images).numpy(), model(images).numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["m.h5"]


def test_another_contract_leaves_the_network_as_it_is(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(saved)
    before, contract = load_model(path)
    change_contract(path, dataclasses.replace(contract, temperature=1.25))
    after, changed = load_model(path)
    assert changed == dataclasses.replace(contract, temperature=1.25)
    for one, other in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.h5"]


def test_plain_keras_reads_it(saved: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(saved)
    model = keras.models.load_model(tmp_path / "m.h5", compile=False)
    assert model.input_shape == (None, 48, 48, 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + b"x" * 100])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(content)
    with pytest.raises(ArtifactError, match="make train"):
        load_model(tmp_path / "m.h5")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nothing\.h5.*found no such file"):
        load_model(tmp_path / "nothing.h5")


@pytest.mark.parametrize("name", ["", "/", "/dev/null"])
def test_a_folder_or_a_device_is_refused(name: str) -> None:
    with pytest.raises(ArtifactError, match="found something else"):
        load_model(Path(name))


def test_a_truncated_file_is_refused(saved: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(saved[: len(saved) // 2])
    with pytest.raises(ArtifactError):
        load_model(tmp_path / "m.h5")


def _lambda(file: h5py.File) -> None:
    _change_layer(file, lambda layer: layer.update(class_name="Lambda"))


def _foreign_module(file: h5py.File) -> None:
    _change_layer(file, lambda layer: layer.update(module="os"))


def _nested(file: h5py.File) -> None:
    _change_layer(file, lambda layer: layer.update(class_name="Functional"))


def _change_layer(file: h5py.File, change: Callable[[dict], None]) -> None:
    config = json.loads(file.attrs["model_config"])
    change(config["config"]["layers"][2])
    file.attrs["model_config"] = json.dumps(config)


def _top_module(file: h5py.File) -> None:
    file.attrs["model_config"] = json.dumps(
        json.loads(file.attrs["model_config"]) | {"module": "os"}
    )


def _activation(file: h5py.File) -> None:
    hidden = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"activation": "relu"},
    }
    _change_layer(file, lambda layer: layer["config"].update(activation=hidden))


def _registered(file: h5py.File) -> None:
    _change_layer(file, lambda layer: layer.update(registered_name="x>y"))


def _no_layers(file: h5py.File) -> None:
    config = json.loads(file.attrs["model_config"])
    config["config"]["layers"] = []
    file.attrs["model_config"] = json.dumps(config)


def _deep_contract(file: h5py.File) -> None:
    file.attrs[H5_ATTRIBUTE] = "[" * 20_000


def _huge_array(file: h5py.File) -> None:
    file.create_dataset("bomb", shape=(1 << 20, 1 << 12), dtype="f4", chunks=True)


def _no_contract(file: h5py.File) -> None:
    del file.attrs[H5_ATTRIBUTE]


def _no_configuration(file: h5py.File) -> None:
    del file.attrs["model_config"]


def _weights(file: h5py.File) -> None:
    layer = _normalisation(file)
    array = layer[layer.attrs["weight_names"][0]]
    array[0] = array[0] + 1


def _swapped_names(file: h5py.File) -> None:
    """The arrays stay what they are, but Keras would read them as each other's."""
    layer = _normalisation(file)
    layer.attrs["weight_names"] = layer.attrs["weight_names"][::-1]


def _normalisation(file: h5py.File) -> h5py.Group:
    return next(g for g in file["model_weights"].values() if len(g.attrs["weight_names"]) == 4)


def _no_digest(file: h5py.File) -> None:
    _change_contract(file, graph_sha256="")


def _other_shape(file: h5py.File) -> None:
    _change_contract(file, height=64)


def _elsewhere(file: h5py.File) -> None:
    file.create_dataset("x", shape=(16,), dtype="u1", external=[("/etc/hostname", 0, 16)])


def _change_contract(file: h5py.File, **fields: object) -> None:
    file.attrs[H5_ATTRIBUTE] = json.dumps(json.loads(file.attrs[H5_ATTRIBUTE]) | fields)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_lambda, "Lambda"),
        (_foreign_module, "os.Conv2D"),
        (_top_module, "plain functional"),
        (_activation, "keras.layers.Lambda"),
        (_registered, "Conv2D"),
        (_no_layers, "changed since"),
        (_weights, "changed since"),
        (_swapped_names, "changed since"),
        (_no_digest, "changed since"),
        (_deep_contract, "maximum recursion depth"),
        (_nested, "Functional"),
        (_huge_array, "larger than"),
        (_elsewhere, "lies in another file"),
        (_no_contract, "'contract'"),
        (_no_configuration, "'model_config'"),
        (_other_shape, "where its contract says"),
    ],
)
def test_hostile_or_mismatching_files_are_refused(
    saved: bytes, tmp_path: Path, change: Callable[[h5py.File], None], found: str
) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(saved)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ArtifactError, match=found) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can be limited so")
def test_gigabytes_that_a_length_promises_are_not_taken(saved: bytes, tmp_path: Path) -> None:
    # A text of variable length is its length and its place in the heap, here Keras' version.
    place = saved.index(struct.pack("<IQ", len(keras.__version__), 0x800))
    path = tmp_path / "m.h5"
    path.write_bytes(saved[:place] + struct.pack("<I", 2**32 - 1) + saved[place + 4 :])
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(ArtifactError, match="allocation failed"):
        load_model(path)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_random_damage_is_refused_or_harmless(saved: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "m.h5"
    for _ in range(40):
        content = bytearray(saved)
        # The head of the file holds its structure; further on there are mostly weights.
        for place in rng.integers(0, min(len(content), 20_000), 8):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(ArtifactError):
            load_model(path)
