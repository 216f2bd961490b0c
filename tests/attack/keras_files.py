"""Keras files for the conversion that nobody should open: code, links, bombs, damage."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.attack.case import Case
from tests.attack.child import ROOT, Ending

_LABELS = "a,b,c,d,e,f,g"
_TENSORFLOW_MIB = 1500
_ESCAPES = "\x1b[2J\x1b]0;owned\x07\nexpressions: all is well\u202e"
Make = Callable[[Path], str]
"""Makes a file in a folder and returns its name."""


def cases() -> Iterator[Case]:
    """Yield those of 'python -m convert'."""
    for name in _STARTED:
        make = FOREIGN[name]
        yield _convert(name, make, f"--labels={_LABELS}", "--input-range=0..255")
    for name, make in _OURS.items():
        yield _convert(f"ours: {name}", make)
    for labels in ("a,a", _ESCAPES, "\udcff,b"):
        options = (f"--labels={labels}", "--input-range=0..255")
        yield _convert(f"labels {labels[:20]!a}", _shipped, *options)
    options = (f"--labels={_LABELS}", f"--input-range={_ESCAPES}")
    yield _convert("a range with escapes", _shipped, *options)


def _convert(name: str, make: Make, *options: str) -> Case:
    return Case(
        f"convert: {name}",
        lambda folder: ["convert", make(folder), *options],
        (1,),
        "expected",
        most_mib=_TENSORFLOW_MIB,
        seconds=40,
        check=_nothing_ran,
        sample=name == "code in a layer",
    )


def _nothing_ran(folder: Path, ending: Ending) -> str:
    lines = ending.err.splitlines()
    if len(lines) != 1:
        return f"{len(lines)} lines of complaint: {lines[:3]!a}"
    if written := [path.name for path in folder.rglob("*.tflite")]:
        return f"it wrote {written}"
    return "code in the file was run" if (folder / "owned").exists() else ""


def _shipped(folder: Path, name: str = "a.h5") -> str:
    shutil.copy(ROOT / "models/Finalmodel.h5", folder / name)
    return name


def _foreign(change: Callable[[h5py.File], None]) -> Make:
    """The shipped network without its contract, and changed."""

    def make(folder: Path) -> str:
        name = _shipped(folder)
        with h5py.File(folder / name, "r+") as file:
            del file.attrs["contract"]
            change(file)
        return name

    return make


def _ours(change: Callable[[h5py.File], None]) -> Make:
    def make(folder: Path) -> str:
        name = _shipped(folder)
        with h5py.File(folder / name, "r+") as file:
            change(file)
        return name

    return make


def _network(change: Callable[[dict[str, Any]], object]) -> Callable[[h5py.File], None]:
    """Change what the file says of its network."""

    def changed(file: h5py.File) -> None:
        network = json.loads(file.attrs["model_config"])
        change(network)
        file.attrs["model_config"] = json.dumps(network)

    return changed


def _layer(**more: object) -> Callable[[h5py.File], None]:
    return _network(lambda network: network["config"]["layers"][2].update(more))


def _option(**more: object) -> Callable[[h5py.File], None]:
    return _network(lambda network: network["config"]["layers"][2]["config"].update(more))


def _text(name: str, value: str | bytes) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__(name, value)


def _weights(file: h5py.File) -> str:
    """The name of the first array of a kernel."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if getattr(item, "ndim", 0) > 1 else None)
    return found[0]


def _filled(value: float) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        array = file[_weights(file)]
        array[...] = np.full(array.shape, value, array.dtype)

    return change


def _replaced(put: Callable[[h5py.File, str], object]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        name = _weights(file)
        del file[name]
        put(file, name)

    return change


def _huge(file: h5py.File, name: str) -> None:
    file.create_dataset(name, shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1, 1024))


def _packed(file: h5py.File, name: str) -> None:
    zeros = np.zeros((1 << 26,), "f4")
    file.create_dataset(name, data=zeros, compression="gzip", compression_opts=1)


def _external(file: h5py.File, name: str) -> None:
    file.create_dataset(name, shape=(16,), dtype="u1", external=[("/etc/passwd", 0, 16)])


def _virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout(shape=(16,), dtype="u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(16,))
    file.create_virtual_dataset(name, layout)


plain = _foreign(lambda file: None)
"""The shipped network as somebody else would have written it."""


class _Owned:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("owned",)


_LAMBDA = {
    "class_name": "Lambda",
    "module": "keras.layers",
    "config": {"name": "x", "function": ["4wA=", None, None], "arguments": {}},
}


def _archive(**changed: bytes | None) -> Make:
    """A .keras file whose members are these, beside what one has."""

    def make(folder: Path) -> str:
        members = {"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b""}
        for name, content in changed.items():
            place = {"config": "config.json", "weights": "model.weights.h5"}.get(name, name)
            members[place] = content or b""
        with zipfile.ZipFile(folder / "a.keras", "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name, content)
        return "a.keras"

    return make


def _plain(content: bytes, name: str = "a.h5") -> Make:
    def make(folder: Path) -> str:
        (folder / name).write_bytes(content)
        return name

    return make


def _cut(share: float) -> Make:
    def make(folder: Path) -> str:
        name = _shipped(folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])
        return name

    return make


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "a.h5")
    return "a.h5"


def _link(folder: Path) -> str:
    (folder / "a.h5").symlink_to("/dev/zero")
    return "a.h5"


def _folder(folder: Path) -> str:
    (folder / "a.keras").mkdir()
    return "a.keras"


_DAMAGED: Mapping[str, Make] = {
    "empty": _plain(b""),
    "a text": _plain(b"text" * 99),
    "a pickle": _plain(pickle.dumps(_Owned())),
    "cut in half": _cut(0.5),
    "cut at a hundredth": _cut(0.01),
    "cut by a byte": _cut(0.999999),
    "a pipe": _pipe,
    "a link to /dev/zero": _link,
    "a folder": _folder,
    "nothing": lambda folder: "none.h5",
    "a name with escapes": lambda folder: f"{_ESCAPES}.h5",
}
FOREIGN: Mapping[str, Make] = {
    **_DAMAGED,
    "code in a layer": _foreign(_layer(**_LAMBDA)),
    "a class of somebody's own": _foreign(_layer(class_name="Own", registered_name="own>Own")),
    "a module of somebody's own": _foreign(_layer(module="os", class_name="system")),
    "a class with escapes": _foreign(_layer(class_name=_ESCAPES)),
    "an option that is code": _foreign(
        _option(activation={"class_name": "function", "config": "os"})
    ),
    "an option with escapes": _foreign(_option(padding=_ESCAPES)),
    "2³⁰ filters": _foreign(_option(filters=1 << 30)),
    "no filters": _foreign(_option(filters=0)),
    "layers that read each other": _foreign(_layer(name="pixels")),
    "no layers": _foreign(_network(lambda network: network["config"].update(layers=[]))),
    "nested 100,000 deep": _foreign(_text("model_config", "[" * 100_000)),
    "no JSON": _foreign(_text("model_config", b"\xff\xfe")),
    "a list": _foreign(_text("model_config", "[]")),
    "weights NaN": _foreign(_filled(float("nan"))),
    "weights infinite": _foreign(_filled(float("inf"))),
    "no weights": _foreign(_replaced(lambda file, name: None)),
    "weights of 4 TB": _foreign(_replaced(_huge)),
    "weights of 256 MB that are packed": _foreign(_replaced(_packed)),
    "weights in another file": _foreign(_replaced(_external)),
    "weights in another file, virtually": _foreign(_replaced(_virtual)),
    "a link into another file": _foreign(
        _replaced(lambda file, name: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "x")))
    ),
    "a link to itself": _foreign(
        _replaced(lambda file, name: file.__setitem__(name, h5py.SoftLink(f"/{name}")))
    ),
    "keras: empty": _plain(b"", "a.keras"),
    "keras: a picture": _plain(b"\x89PNG\r\n\x1a\n", "a.keras"),
    "keras: no network": _archive(),
    "keras: a configuration of 300 MB": _archive(config=bytes(300 << 20)),
    "keras: weights of 300 MB": _archive(weights=bytes(300 << 20)),
    "keras: a path that leads elsewhere": _archive(**{"../owned": b"x"}),
    "keras: a pickle": _archive(**{"model.pkl": pickle.dumps(_Owned())}),
    "keras: nested": _archive(config=b"[" * 100_000),
}
_STARTED = (
    *("a pipe", "a link to /dev/zero", "a folder", "a name with escapes", "code in a layer"),
    *("a class with escapes", "weights NaN", "weights of 4 TB", "weights in another file"),
    *(
        "nested 100,000 deep",
        "keras: a configuration of 300 MB",
        "keras: a path that leads elsewhere",
    ),
)
"""What is given to the command itself; the worker of the fuzzers opens all of them."""
_OURS: Mapping[str, Make] = {
    "cut in half": _cut(0.5),
    "a pipe": _pipe,
    "weights NaN": _ours(_filled(float("nan"))),
    "code in a layer": _ours(_layer(**_LAMBDA)),
    "a contract with 400 digits": _ours(_text("contract", f'{{"temperature": {"9" * 400}}}')),
    "a contract nested": _ours(_text("contract", "[" * 100_000)),
    "weights in another file": _ours(_replaced(_external)),
}
