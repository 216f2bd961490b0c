"""One package in a process of its own, measured on request, in the package's environment.

``python -m benchmarks.peers.worker MODULE CLASS ARGUMENT…`` opens the adapter of that name, then
answers each request, a line of JSON, with a line of JSON. It imports NumPy and the standard library
alone, so that time, memory and threads are those of the package.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers import answers_alone, serve

_FEW = 12
Stream = Callable[[Sequence[NDArray[np.uint8]]], Iterable[int]]
"""``uint8[H, W, 3]`` BGR, several → how many faces were found and named in each."""


class Adapter(Protocol):
    """What each of ``benchmarks.peers.adapters`` has."""

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        ...

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → the package's own word for what it shows."""
        ...

    # One that takes the frames of a file otherwise than one by one has a method for that too:
    # ``stream(images)``, which yields what ``recognise`` returns for each.


class Worker:
    """Answers requests about one package."""

    def __init__(self, adapter: Adapter, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Take an open ``adapter``; ``clock`` is in nanoseconds."""
        self._adapter, self._clock = adapter, clock
        one_by_one = functools.partial(map, adapter.recognise)
        self._stream: Stream = getattr(adapter, "stream", one_by_one)
        self._shown = 0

    def version(self, package: str) -> dict[str, Any]:
        """The installed version of the distribution ``package``."""
        return {"version": importlib.metadata.version(package)}

    def frames(self, paths: list[str], seconds: float) -> dict[str, Any]:
        """Milliseconds and found faces of each frame, for so many ``seconds``, of one at least.

        It goes on with the frame after the last that it saw, and after the last of ``paths`` with
        the first. Only a few of them are in memory at a time, loaded while the clock stands.
        """
        milliseconds: list[float] = []
        found: list[int] = []
        spent = 0.0
        while not milliseconds or spent < 1e3 * seconds:
            few = range(self._shown, self._shown + _FEW)
            images = [np.load(paths[place % len(paths)]) for place in few]
            start = self._clock()
            for faces in self._stream(images):
                now = self._clock()
                milliseconds.append((now - start) / 1e6)
                spent += milliseconds[-1]
                found.append(faces)
                self._shown += 1
                start = now
                if spent >= 1e3 * seconds:
                    break
        return {"ms": milliseconds, "found": found}

    def faces(self, path: str) -> dict[str, Any]:
        """The package's word for each face of the file at ``path``, grey ``uint8[n, 48, 48]``."""
        return {"labels": [self._adapter.label(face) for face in np.load(path)]}


def main(module: str, adapter: str, *arguments: str) -> None:
    """Serve on standard output, to which nothing that the package prints may get."""
    with answers_alone() as answers:
        opened = getattr(importlib.import_module(module), adapter)(*arguments)
        serve(Worker(opened), sys.stdin, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
