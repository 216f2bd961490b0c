"""A network that tells how fast the machine is while something else is measured."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from edge.assets import read_asset
from edge.console import held_back
from edge.detectors.blazeface import SHORT_RANGE
from edge.interpreter import find_runtime

CALLS = 20
"""In each round, beside what is measured."""


def open_reference(threads: int) -> Callable[[], None]:
    """Return what runs BlazeFace's network once.

    Its file is pinned by its hash and runs here without a line of the runtime's code, so that what
    it takes changes with the machine and the interpreter's version and with nothing else. Raises
    ``AssetError``, ``InterpreterError``.
    """
    content = read_asset(SHORT_RANGE.asset)
    with held_back():  # what the interpreter says of itself
        interpreter = find_runtime().interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    invoke: Callable[[], None] = interpreter.invoke
    return invoke


class Pace:
    """How fast the machine was while something was measured that takes a process or a camera."""

    def __init__(self) -> None:
        """Open the reference; raises as ``open_reference``."""
        self.ms: list[float] = []
        self._call = open_reference(1)
        self.take()
        self.ms.clear()  # that was the warm-up

    def take(self) -> None:
        """Note the milliseconds of some calls."""
        for _ in range(CALLS):
            start = time.perf_counter_ns()
            self._call()
            self.ms.append((time.perf_counter_ns() - start) / 1e6)
