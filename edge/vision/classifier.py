"""From grey crops to calibrated probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import ModelContract, extract
from edge.errors import ContractError, EdgeError, ModelFileError
from edge.types import Floats
from edge.vision.interpreter import Model, Tensor, open_model, read_model_file

_PIXEL_MAX = 255


class TFLiteClassifier:
    """A ``.tflite`` file with a contract, opened for use by one thread.

    ``contract`` and ``labels`` come from the file, ``runtime`` names the interpreter. Raises
    ``ContractError`` where the file's tensors are not what its contract says, ``ModelFileError``
    where what comes out are no probabilities.
    """

    def __init__(self, content: bytes, name: str, threads: int = 1) -> None:
        """Open ``content`` (a whole ``.tflite`` file); ``name`` is for messages."""
        try:
            self.contract = extract(content)
        except ContractError as error:
            raise ContractError(f"{name}: {error}") from error
        self.labels = self.contract.labels
        self._model = open_model(content, name, threads)
        self.runtime = self._model.runtime
        _check(self._model, self.contract)
        self._input = self._model.inputs[0]
        self._output = self._model.outputs[0]
        self._test()

    def _test(self) -> None:
        """Refuse a network whose answers are no probabilities: its weights may be NaN or infinite.

        Two pictures are enough for that: a flat grey and a gradient.
        """
        _, height, width, _ = self._input.shape
        flat = np.full((height, width), _PIXEL_MAX // 2)
        gradient = np.linspace(0, _PIXEL_MAX, height * width).reshape(height, width)
        self.classify(np.stack([flat, gradient]).astype(np.uint8)[..., np.newaxis])

    def logits(self, crops: NDArray[np.uint8]) -> Floats:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → logits ``float32[n, labels]``."""
        pixels = quantise(crops, self._input)
        rows = np.empty((len(crops), len(self.labels)), np.float32)
        for row, pixel in zip(rows, pixels, strict=True):
            row[:] = dequantise(self._model.run(pixel[np.newaxis])[0][0], self._output)
        return rows

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → calibrated ``float32[n, labels]``.

        Raises ``ModelFileError`` where these are no probabilities.
        """
        with np.errstate(all="ignore"):  # what comes of damaged weights is looked at
            rows = softmax(self.logits(crops) / np.float32(self.contract.temperature))
        if not np.isfinite(rows).all():
            raise ModelFileError(
                f"{self._model.name}: expected probabilities, found {rows.sum():.3g} as their sum; "
                "its weights are damaged, so convert or fetch it again"
            )
        return rows


class ClassifierPool:
    """Classifiers of one model, which share the faces of a frame among ``cores`` threads.

    An interpreter runs without Python's lock, so that as many faces as cores take little longer
    than one. ``open_one`` opens a classifier: the first one now, another when there are faces for
    it; where no other can be opened, fewer do the same.
    """

    def __init__(self, open_one: Callable[[], TFLiteClassifier], cores: int) -> None:
        """Open the first classifier; raises what ``open_one`` raises."""
        self._open_one, self._size = open_one, cores
        self._members = [open_one()]
        self.contract, self.labels = self._members[0].contract, self._members[0].labels
        self.runtime = self._members[0].runtime
        self._threads = ThreadPoolExecutor(max(cores - 1, 1), "classifier")

    def classify(self, crops: NDArray[np.uint8]) -> Floats:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → calibrated ``float32[n, labels]``."""
        if len(crops) < 2:
            return self._members[0].classify(crops)
        self._grow(len(crops))
        shares = np.array_split(crops, min(len(crops), len(self._members)))
        waiting = [
            self._threads.submit(member.classify, share)
            for member, share in zip(self._members[1:], shares[1:], strict=False)
        ]
        own = self._members[0].classify(shares[0])
        return np.concatenate([own, *(rows.result() for rows in waiting)]) if waiting else own

    def _grow(self, faces: int) -> None:
        while len(self._members) < min(faces, self._size):
            try:
                self._members.append(self._open_one())
            except (EdgeError, OSError):  # the memory is full
                self._size = len(self._members)


def load_classifier(path: Path, threads: int = 1) -> TFLiteClassifier:
    """Open the ``.tflite`` file at ``path``; raises ``ModelFileError``, ``ContractError``."""
    return TFLiteClassifier(read_model_file(path), str(path), threads)


def softmax(logits: Floats) -> Floats:
    """``float32[n, k]`` → ``float32[n, k]``, rows sum to 1."""
    # The few numbers of a frame's faces are done one by one before NumPy would have begun.
    return np.array([_softmax(row) for row in logits.tolist()], np.float32).reshape(logits.shape)


def _softmax(row: Sequence[float]) -> list[float]:
    top = max(row)
    exponentials = [math.exp(value - top) for value in row]
    total = sum(exponentials)
    return [value / total for value in exponentials]


def quantise(pixels: NDArray[np.uint8], tensor: Tensor) -> NDArray[np.generic]:
    """Raw pixels in the tensor's own numbers (Jacob et al. 2018, arXiv 1712.05877)."""
    if tensor.dtype == np.uint8 and tensor.scale == 1 and tensor.zero_point == 0:
        return pixels
    if not np.issubdtype(tensor.dtype, np.integer):
        return pixels.astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    steps = np.rint(pixels / tensor.scale) + tensor.zero_point
    return np.asarray(np.clip(steps, limits.min, limits.max), tensor.dtype)


def dequantise(values: NDArray[np.generic], tensor: Tensor) -> Floats:
    """What the tensor's own numbers stand for; float tensors stand for themselves."""
    if not np.issubdtype(tensor.dtype, np.integer):
        return np.asarray(values, np.float32)
    return (np.asarray(values, np.float32) - tensor.zero_point) * np.float32(tensor.scale)


def _check(model: Model, contract: ModelContract) -> None:
    """Compare what the contract says with what the interpreter sees."""
    expected_input = (1, contract.height, contract.width, contract.channels)
    expected_output = (1, len(contract.labels))
    found = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    if len(model.inputs) != 1 or found != [expected_input, expected_output]:
        raise ContractError(
            f"{model.name}: expected one input {expected_input} and one output {expected_output}, "
            f"found {found}; convert the model again with 'make convert'"
        )
    for tensor in (model.inputs[0], model.outputs[0]):
        _check_numbers(model.name, tensor)
    low, high = _representable(model.inputs[0])
    if low > 0.5 or high < _PIXEL_MAX - 0.5:
        raise ContractError(
            f"{model.name}: expected an input that takes raw pixels 0…{_PIXEL_MAX}, found "
            f"{low:.3g}…{high:.3g}; convert the model again with 'make convert'"
        )


def _check_numbers(name: str, tensor: Tensor) -> None:
    quantised = tensor.dtype in (np.uint8, np.int8) and 0 < tensor.scale < np.inf
    if tensor.dtype != np.float32 and not quantised:
        raise ContractError(
            f"{name}: expected tensor {tensor.name!r} as float32 or as quantised 8-bit, found "
            f"{tensor.dtype} with scale {tensor.scale}; convert the model again with 'make convert'"
        )


def _representable(tensor: Tensor) -> tuple[float, float]:
    if not np.issubdtype(tensor.dtype, np.integer):
        return -np.inf, np.inf
    limits = np.iinfo(tensor.dtype)
    return tuple(tensor.scale * (n - tensor.zero_point) for n in (limits.min, limits.max))  # type: ignore[return-value]
