"""A file that is no plain network is refused before anything of it is built."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import pytest

from convert.adopt import adopt
from tests.convert import foreign
from tests.convert.foreign import LABELS, refused
from tests.train.detectors import WholeImage


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign.save_plain(tmp_path_factory.mktemp("theirs"))


def two_inputs() -> keras.Model:
    left, right = keras.Input((48, 48, 1)), keras.Input((48, 48, 1))
    flat = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    return keras.Model([left, right], keras.layers.Dense(3, "softmax")(flat))


def flat(*shape: int | None) -> keras.Model:
    layers = keras.layers
    return keras.Sequential(
        [layers.Input(shape), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    )


def with_lambda() -> keras.Model:
    layers = keras.layers
    parts = [layers.Lambda(lambda x: x), layers.Flatten(), layers.Dense(3, "softmax")]
    return keras.Sequential([layers.Input((48, 48, 1)), *parts])


def shared() -> keras.Model:
    pixels = keras.Input((48, 48, 1))
    convolution = keras.layers.Conv2D(1, 3, padding="same")
    x = keras.layers.Flatten()(convolution(convolution(pixels)))
    return keras.Model(pixels, keras.layers.Dense(3, "softmax")(x))


class Sharpen(keras.layers.Conv2D):
    """Somebody's own."""


def custom() -> keras.Model:
    layers = keras.layers
    parts = [Sharpen(2, 3), layers.Flatten(), layers.Dense(3, "softmax")]
    return keras.Sequential([layers.Input((48, 48, 1)), *parts])


def hard() -> keras.Model:
    layers = keras.layers
    parts = [layers.Flatten(), layers.Dense(4, "hard_sigmoid"), layers.Dense(3, "softmax")]
    return keras.Sequential([layers.Input((48, 48, 1)), *parts])


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    ("build", "found"),
    [
        (with_lambda, "Lambda"),
        (custom, "Sharpen"),
        (two_inputs, "expected one input"),
        (shared, "in 2 places"),
        (hard, "hard_sigmoid"),
        (lambda: flat(20, 20, 1), r"32×32 to 224×224 pixels .*\(None, 20, 20, 1\)"),
        (lambda: flat(256, 256, 3), r"\(None, 256, 256, 3\)"),
        (lambda: flat(48, 64, 1), r"\(None, 48, 64, 1\)"),
        (lambda: flat(48, 48, 2), r"\(None, 48, 48, 2\)"),
        (lambda: flat(None, None, 1), r"\(None, None, None, 1\)"),
        (lambda: foreign.plain(last="sigmoid"), r"found Dense \(sigmoid\)"),
        (lambda: foreign.plain(classes=4), "expected 4 names, one for each output, found 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*HDF5")
def test_other_networks_are_refused(
    build: Callable[[], keras.Model], found: str, suffix: str, tmp_path: Path
) -> None:
    source = tmp_path / f"theirs{suffix}"
    build().save(source)
    refused(source, found)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_files_that_are_none(saved: Path, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"theirs{suffix}"
    refused(path, "no such file")
    for content in (b"", b"hello", (saved / path.name).read_bytes()[:-3000]):
        path.write_bytes(content)
        refused(path, "can't be read")
    path.unlink()
    path.mkdir()
    refused(path, "something else")


def test_files_of_another_kind(saved: Path, tmp_path: Path) -> None:
    refused(saved / "theirs.weights.h5", "found no network")
    (tmp_path / "theirs.pt").write_bytes(b"hello")
    refused(tmp_path / "theirs.pt", r"ends in '\.pt'")
    (tmp_path / "theirs.keras").write_bytes((saved / "theirs.keras").read_bytes())
    ours = adopt(tmp_path / "theirs.keras", LABELS, "0..1", None, WholeImage())
    refused(ours, "without LABELS")


def _bomb(members: dict[str, bytes]) -> None:
    members["config.json"] = members["config.json"] + b" " * (300 << 20)


def _more(members: dict[str, bytes]) -> None:
    members["assets/run.py"] = b"print()"


def _huge_layer(members: dict[str, bytes]) -> None:
    configuration = json.loads(members["config.json"])
    configuration["config"]["layers"][-1]["config"]["units"] = 10**10
    members["config.json"] = json.dumps(configuration).encode()


def _large_layer(members: dict[str, bytes]) -> None:
    configuration = json.loads(members["config.json"])
    huge = {"filters": 60_000, "kernel_size": [700, 700], "padding": "same"}
    configuration["config"]["layers"][1]["config"] |= huge
    members["config.json"] = json.dumps(configuration).encode()


def _other_layer(members: dict[str, bytes]) -> None:
    configuration = json.loads(members["config.json"])
    configuration["config"]["layers"][-2]["config"]["units"] = 13
    members["config.json"] = json.dumps(configuration).encode()


def _deep(members: dict[str, bytes]) -> None:
    members["config.json"] = b"[" * 100_000


def _no_network(members: dict[str, bytes]) -> None:
    members["config.json"] = b'{"class_name": "Sequential", "config": 7}'


def _os(members: dict[str, bytes]) -> None:
    configuration = json.loads(members["config.json"])
    configuration["config"]["layers"][-1]["module"] = "os"
    members["config.json"] = json.dumps(configuration).encode()


def _declared(members: dict[str, bytes]) -> None:
    _change_weights(
        members, lambda file: file.create_dataset("x", (1 << 20, 1 << 12), "f4", chunks=True)
    )


def _external(members: dict[str, bytes]) -> None:
    _change_weights(
        members,
        lambda file: file.create_dataset("x", (4,), "f4", external=[("/etc/hostname", 0, 16)]),
    )


def _linked(members: dict[str, bytes]) -> None:
    def link(file: h5py.File) -> None:
        file["x"] = h5py.ExternalLink("/etc/other.h5", "/x")

    _change_weights(members, link)


def _change_weights(members: dict[str, bytes], change: Callable[[h5py.File], object]) -> None:
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    members["model.weights.h5"] = buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_bomb, "when it is unpacked"),
        (_more, r"found assets/run\.py"),
        (_huge_layer, "at most 65536, found units 10000000000"),
        # TensorFlow waits for memory: ten seconds.
        pytest.param(_large_layer, "can't be read", marks=pytest.mark.slow),
        (_other_layer, "can't be read"),
        (_deep, "can't be read"),
        (_no_network, "can't be read"),
        (_os, r"os\.Dense"),
        (_declared, "larger than"),
        (_external, "in another file"),
        (_linked, "is a link"),
    ],
)
def test_hostile_archives(
    change: Callable[[dict[str, bytes]], None], found: str, saved: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(saved / "theirs.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(tmp_path / "theirs.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    refused(tmp_path / "theirs.keras", found)
