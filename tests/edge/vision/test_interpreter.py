"""The interpreter is found in a fixed order, and a bad model file is refused in one line."""

from __future__ import annotations

import os
import random
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.assets import ASSETS, ASSETS_FOLDER, read_asset
from edge.errors import InterpreterError, ModelFileError
from edge.vision.interpreter import (
    MAX_MODEL_BYTES,
    Model,
    find_runtime,
    open_model,
    read_model_file,
    runtime_name,
)

NAME = "BlazeFace short range"
ORDER = [
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
]


class FakeImporter:
    """Imports what is ``installed``, and remembers what was asked for."""

    def __init__(self, *installed: str, error: Exception | None = None) -> None:
        self.installed, self.asked = installed, []
        self.error = error or ImportError("No module named that")

    def __call__(self, module: str) -> Any:
        self.asked.append(module)
        if module not in self.installed:
            raise self.error
        return SimpleNamespace(Interpreter=module)


@pytest.fixture(scope="module")
def content() -> bytes:
    return read_asset(NAME)


@pytest.mark.parametrize(
    ("first", "name"), [*enumerate(["ai-edge-litert 1.0", "tflite-runtime 1.0", "tf.lite 1.0"])]
)
def test_the_order_is_litert_tflite_runtime_tensorflow(first: int, name: str) -> None:
    importer = FakeImporter(*ORDER[first:])
    runtime = find_runtime(importer, version=lambda package: "1.0")
    assert (runtime.name, runtime.interpreter) == (name, ORDER[first])
    assert importer.asked == ORDER[: first + 1]


def test_an_interpreter_whose_package_has_another_name_is_used() -> None:
    def version(package: str) -> str:
        raise metadata.PackageNotFoundError(package)  # tensorflow-cpu has a distribution of its own

    assert find_runtime(FakeImporter(ORDER[2]), version).name == "tf.lite"


@pytest.mark.parametrize("error", [ImportError("not there"), OSError("GLIBC too old")])
def test_without_an_interpreter_the_message_says_what_was_tried(error: Exception) -> None:
    with pytest.raises(InterpreterError) as caught:
        find_runtime(FakeImporter(error=error))
    message = str(caught.value)
    assert all(part in message for part in ("ai-edge-litert", "tflite-runtime", "tensorflow"))
    assert str(error) in message
    assert "pip install ai-edge-litert" in message


def test_the_runtime_has_a_version() -> None:
    package, version = runtime_name().split()
    assert package in {"ai-edge-litert", "tflite-runtime", "tf.lite"}
    assert version[0].isdigit()


def test_tensors_are_described(content: bytes) -> None:
    model = open_model(content, NAME)
    (image,) = model.inputs
    assert (image.name, image.shape, image.dtype) == ("input", (1, 128, 128, 3), np.float32)
    assert image.scale == 0
    assert [tensor.shape for tensor in model.outputs] == [(1, 896, 16), (1, 896, 1)]


def test_outputs_are_copies(content: bytes) -> None:
    model = open_model(content, NAME)
    zeros = np.zeros(model.inputs[0].shape, np.float32)
    first = model.run(zeros)
    kept = [output.copy() for output in first]
    model.run(zeros + 0.5)
    assert all(np.array_equal(a, b) for a, b in zip(first, kept, strict=True))
    first[0][:] = 7
    assert np.array_equal(model.run(zeros)[0], kept[0])


@pytest.mark.parametrize(
    "inputs",
    [
        (),
        (np.zeros((1, 128, 128, 1), np.float32),),
        (np.zeros((128, 128, 3), np.float32),),
        (np.zeros((1, 128, 128, 3), np.uint8),),
    ],
)
def test_an_input_that_does_not_fit_is_refused(content: bytes, inputs: tuple[Any, ...]) -> None:
    model = open_model(content, NAME)
    with pytest.raises(ValueError, match=r".+"):
        model.run(*inputs)


def test_two_threads_compute_the_same(content: bytes) -> None:
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)
    one, two = (open_model(content, NAME, threads).run(pixels)[1] for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_a_model_that_does_not_run_is_named() -> None:
    def fail() -> None:
        raise RuntimeError("Input tensor 199 lacks data\nand more")

    interpreter = SimpleNamespace(get_input_details=list, get_output_details=list, invoke=fail)
    with pytest.raises(ModelFileError, match=r"face.tflite.*lacks data; it is damaged") as caught:
        Model(interpreter, "face.tflite", "fake 1.0").run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "an empty file"), (b"a text\n" * 9, "begins with"), (b"\x89HDF\r\n\x1a\n" * 9, "HDF")],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=rf"expected a TFLite model, found.*{found}"):
        read_model_file(path)
    with pytest.raises(ModelFileError, match=r"make convert"):
        open_model(content, "model")


@pytest.mark.parametrize("size", [8, 100, 1000, 100_000, 200_000])
def test_a_truncated_file_is_refused(content: bytes, size: int) -> None:
    with pytest.raises(ModelFileError, match=r"half.tflite: expected a TFLite model"):
        open_model(content[:size], "half.tflite")


def test_flipped_bits_never_show_a_traceback(content: bytes) -> None:
    """Where the interpreter notices, it is our error; where it doesn't, the model runs."""
    chance, messages = random.Random(0), []
    zeros = np.zeros((1, 128, 128, 3), np.float32)
    for _ in range(40):
        damaged = bytearray(content)
        damaged[-chance.randrange(1, 20_000)] ^= 1 << chance.randrange(8)
        try:
            model = open_model(bytes(damaged), NAME)
            if model.inputs[0].shape == zeros.shape:
                model.run(zeros)
        except ModelFileError as error:
            messages.append(str(error))
    assert len(messages) > 5
    assert not any("\n" in message for message in messages)


def test_a_good_file_is_read_whole(content: bytes) -> None:
    assert read_model_file(ASSETS_FOLDER / ASSETS[NAME].file_name) == content


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, found in (
        (tmp_path / "none", "a .tflite file, found no such"),
        (tmp_path, "a readable .tflite file, found: a folder"),
        (pipe, "a readable .tflite file, found: a pipe"),
    ):
        with pytest.raises(ModelFileError, match=rf"expected {found}"):
            read_model_file(path)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelFileError, match=r"found: more than 64 MB"):
        read_model_file(path)
