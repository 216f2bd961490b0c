"""Finds a TFLite interpreter and opens model files with it, safely.

LiteRT (``ai-edge-litert``) comes first, then its predecessor ``tflite-runtime``, then the copy
inside TensorFlow. Nothing is imported before a model is opened.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.assets import advice
from edge.errors import InterpreterError, ModelFileError, first_line
from edge.files import read_regular

MAX_MODEL_BYTES = 64 << 20
_IDENTIFIER = b"TFL3"
_CANDIDATES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed interpreter: ``name`` with its version, and its ``Interpreter`` class."""

    name: str
    interpreter: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a model; ``scale`` is 0 where it isn't quantised."""

    name: str
    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


class Model:
    """One opened model file; it belongs to one thread."""

    def __init__(self, interpreter: Any, name: str, runtime: str) -> None:
        """Take an ``interpreter`` whose tensors are allocated; ``name`` is for messages."""
        self.name = name
        self.runtime = runtime
        self.inputs = tuple(_tensor(detail) for detail in interpreter.get_input_details())
        self.outputs = tuple(_tensor(detail) for detail in interpreter.get_output_details())
        self._interpreter = interpreter

    def run(self, *inputs: NDArray[Any]) -> list[NDArray[Any]]:
        """Run on arrays of exactly the inputs' shapes and dtypes; return copies of the outputs.

        Raises ``ValueError`` where an array doesn't fit, ``ModelFileError`` where the model itself
        doesn't run.
        """
        for tensor, value in zip(self.inputs, inputs, strict=True):
            self._interpreter.set_tensor(tensor.index, value)
        self.invoke()
        try:
            return [self._interpreter.get_tensor(tensor.index) for tensor in self.outputs]
        except ValueError as error:  # nothing computes them
            raise ModelFileError(_broken(self.name, error)) from error

    def invoke(self) -> None:
        """Run on the inputs that are set: what the network itself takes, for benchmarks."""
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise ModelFileError(_broken(self.name, error)) from error


def find_runtime(
    importer: Callable[[str], Any] = importlib.import_module,
    version: Callable[[str], str] = metadata.version,
) -> Runtime:
    """Import the first interpreter that is installed; raises ``InterpreterError``."""
    problems = []
    for package, module in _CANDIDATES:
        try:
            interpreter = importer(module).Interpreter
        except (ImportError, OSError) as error:  # OSError: its shared library doesn't load here
            problems.append(f"{package}: {first_line(error)}")
        else:
            name = "tf.lite" if package == "tensorflow" else package
            with contextlib.suppress(metadata.PackageNotFoundError):  # such as tensorflow-cpu's
                name = f"{name} {version(package)}"
            return Runtime(name, interpreter)
    raise InterpreterError(
        f"expected a TFLite interpreter, found none ({'; '.join(problems)}); "
        "run 'pip install ai-edge-litert'"
    )


_installed = functools.cache(find_runtime)


def runtime_name() -> str:
    """Name the interpreter in use, such as "ai-edge-litert 2.3.0"; raises ``InterpreterError``."""
    return _installed().name


def read_model_file(path: Path) -> bytes:
    """Read a whole ``.tflite`` file after checking what can be checked without opening it.

    Raises ``ModelFileError`` where it is missing, no regular file, larger than 64 MB or no TFLite
    flatbuffer.
    """
    try:
        content = read_regular(path, MAX_MODEL_BYTES)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{path}: expected a .tflite file, found no such file; "
            + advice("check the path, or write one with 'make convert'", "check the path")
        ) from error
    except OSError as error:
        raise ModelFileError(
            f"{path}: expected a readable .tflite file, found: {error.strerror}; "
            "check the path and its permissions"
        ) from error
    _check_content(content, str(path))
    return content


def open_model(
    content: bytes, name: str, threads: int = 1, shape: Sequence[int] | None = None
) -> Model:
    """Open a whole ``.tflite`` file; ``name`` is for messages, ``shape`` another one of its input.

    Always from bytes: by path, LiteRT doesn't verify the file, and a crafted offset ends the
    process. tflite-runtime verifies neither, so that a known hash or the contract in the file's
    tail should be checked before. Raises ``ModelFileError``, ``InterpreterError``.
    """
    _check_content(content, name)
    runtime = _installed()
    try:
        with warnings.catch_warnings():
            # tf.lite recommends ai-edge-litert each time; find_runtime has already looked for it.
            warnings.simplefilter("ignore")
            interpreter = runtime.interpreter(model_content=content, num_threads=threads)
            _check_scales(interpreter.get_tensor_details(), name)
            if shape:
                index = interpreter.get_input_details()[0]["index"]
                interpreter.resize_tensor_input(index, shape)
            interpreter.allocate_tensors()
        return Model(interpreter, name, runtime.name)
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(_broken(name, error)) from error


def _check_scales(details: Sequence[Mapping[str, Any]], name: str) -> None:
    """Refuse a quantised tensor whose scale is none: some end LiteRT when it gets its memory."""
    for detail in details:
        scales = detail["quantization_parameters"]["scales"]
        if not (np.isfinite(scales).all() and np.all(scales > 0)):
            raise ModelFileError(
                f"{name}: expected scales above 0, found {scales.min()} in {detail['name']!r}; "
                "it is damaged, so convert or fetch it again"
            )


def _check_content(content: bytes, name: str) -> None:
    if len(content) > MAX_MODEL_BYTES:
        raise ModelFileError(
            f"{name}: expected at most {MAX_MODEL_BYTES >> 20} MB, found more; "
            "use a model written by 'make convert'"
        )
    if content[4:8] != _IDENTIFIER:
        raise ModelFileError(
            f"{name}: expected a TFLite model, found {_looks_like(content)}; "
            "use a model written by 'make convert'"
        )


def _looks_like(content: bytes) -> str:
    return "an empty file" if not content else f"a file that begins with {content[:8]!r}"


def _broken(name: str, error: Exception) -> str:
    return (
        f"{name}: expected a TFLite model that runs, found: {first_line(error)}; "
        "it is damaged or of another version, so convert or fetch it again"
    )


def _tensor(detail: dict[str, Any]) -> Tensor:
    scale, zero_point = detail["quantization"]
    return Tensor(
        name=detail["name"],
        index=detail["index"],
        shape=tuple(detail["shape"].tolist()),
        dtype=np.dtype(detail["dtype"]),
        scale=float(scale),
        zero_point=int(zero_point),
    )
