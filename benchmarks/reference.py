"""A network that tells how fast the machine is while something else is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from edge.assets import read_asset
from edge.vision.interpreter import find_runtime

REFERENCE_CALLS = 20
"""After each block of what is measured."""
_ASSET = "BlazeFace short range"


class Reference:
    """BlazeFace's bare network: a pinned file that runs without the product's code.

    What it takes changes with the machine and the interpreter's version only.
    """

    def __init__(self, threads: int = 1) -> None:
        """Open it; raises ``AssetError`` and ``InterpreterError``."""
        from train.native import native_stderr_hidden  # noqa: PLC0415 - not in a worker's peak RSS

        content = read_asset(_ASSET)
        with native_stderr_hidden():
            interpreter = find_runtime().interpreter(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
        (detail,) = interpreter.get_input_details()
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        self._invoke = interpreter.invoke

    def __call__(self, calls: int = REFERENCE_CALLS) -> list[float]:
        """Return the milliseconds of each of ``calls``."""
        return [milliseconds(self._invoke) for _ in range(calls)]


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long ``call`` takes."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6
