"""One package in a process of its own, measured on request, in the package's environment.

``python -m benchmarks.peers.worker ADAPTER CLASS ARGUMENT…`` imports NumPy and the standard library
alone, so that time, memory and threads are those of the package.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving import replies, serve

_FEW = 12
"""Frames in memory at the same time, loaded while the clock stands."""
_ADAPTERS = "benchmarks.peers.adapters"
Stream = Callable[[Sequence[NDArray[np.uint8]]], Iterable[int]]


class Adapter(Protocol):
    """What each of ``benchmarks.peers.adapters`` has.

    One that takes several frames otherwise than one by one has ``stream(images)`` in place of
    ``recognise``, which yields the same for each.
    """

    def recognise(self, image: NDArray[np.uint8]) -> int:
        """``uint8[H, W, 3]`` BGR → how many faces were found and named."""
        ...

    def label(self, face: NDArray[np.uint8]) -> str:
        """Grey ``uint8[48, 48]`` → the package's own word for what it shows."""
        ...


class Worker:
    """Replies to requests about one package."""

    def __init__(self, adapter: Any, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Take an open ``Adapter``; ``clock`` is in nanoseconds."""
        self._adapter, self._clock = adapter, clock
        self._stream: Stream = getattr(adapter, "stream", self._one_by_one)
        self._shown = 0

    def version(self, package: str) -> dict[str, Any]:
        """The installed version of the distribution ``package``."""
        return {"version": importlib.metadata.version(package)}

    def frames(self, paths: list[str], seconds: float) -> dict[str, Any]:
        """Milliseconds and found faces of each frame, for so many ``seconds``, of one at least.

        It goes on with the frame after the last that it saw, and begins again after the last.
        """
        milliseconds: list[float] = []
        found: list[int] = []
        while not milliseconds or sum(milliseconds) < 1e3 * seconds:
            few = range(self._shown, self._shown + _FEW)
            images = [np.load(paths[place % len(paths)]) for place in few]
            start = self._clock()
            for faces in self._stream(images):
                now = self._clock()
                milliseconds.append((now - start) / 1e6)
                found.append(faces)
                start = now
            self._shown += _FEW
        return {"ms": milliseconds, "found": found}

    def faces(self, path: str) -> dict[str, Any]:
        """The package's word for each face of the file at ``path``, grey ``uint8[n, 48, 48]``."""
        return {"labels": [self._adapter.label(face) for face in np.load(path)]}

    def video(self, path: str) -> dict[str, Any]:
        """How many frames the video at ``path`` has, and in how many seconds it was analysed.

        For adapters that have ``video(path)``, which analyses it and returns the number of frames.
        """
        start = self._clock()
        frames = self._adapter.video(path)
        return {"frames": frames, "seconds": (self._clock() - start) / 1e9}

    def _one_by_one(self, images: Sequence[NDArray[np.uint8]]) -> Iterable[int]:
        return map(self._adapter.recognise, images)


def main(module: str, kind: str, *arguments: str) -> None:
    """Serve on standard output, to which nothing that the package prints may get."""
    stream = replies()
    adapter = getattr(importlib.import_module(f"{_ADAPTERS}.{module}"), kind)(*arguments)
    worker = Worker(adapter)
    methods: dict[str, Callable[..., Any]] = {
        "version": worker.version,
        "frames": worker.frames,
        "faces": worker.faces,
        "video": worker.video,
    }
    serve(methods, sys.stdin, stream)


if __name__ == "__main__":
    main(*sys.argv[1:])
