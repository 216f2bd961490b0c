"""All packages in turn in one run, ours among them.

Each runs in a process and an environment of its own. In every round each takes its turn, so that a
disturbance of the machine falls on all and a quotient of two is of one run, and another begins, so
that none is always measured after the same moment of a round; the first rounds warm up and are not
counted. A turn is as long for a slow package as for a fast one.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import WorkerError
from benchmarks.footprint import disk_mb
from benchmarks.peers.labels import indices
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import Peer
from benchmarks.turns import rotated
from benchmarks.uncertainty import percentiles
from edge.frames import Image
from train.metrics import evaluate, evaluate_votes

P = ParamSpec("P")
_WARM_UP_ROUNDS = 2
_FACES = 256
"""In one request: the limit for an answer is for the slowest package on a slow device."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: ``starts`` of the process, and ``rounds`` with ``seconds`` for each."""

    rounds: int = 10
    seconds: float = 1.0
    starts: int = 3


@dataclass(frozen=True, slots=True)
class Faces:
    """What the classifiers are asked.

    ``images`` is ``uint8[n, 48, 48]`` grey, ``labels`` ``int64[n]``, ``voted`` ``int64[n]`` what
    most FER+ taggers say (-1: none), ``copies`` ``bool[n]``: also in the training split.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    voted: NDArray[np.int64]
    copies: NDArray[np.bool_]


class Contender:
    """One peer, its process while the measurement lasts, and what was measured of it."""

    def __init__(self, peer: Peer) -> None:
        """Nothing is started yet."""
        self.peer = peer
        self._process: PeerProcess
        self._error = self._version = ""
        self._start_s: list[float] = []
        self._frame_ms: list[float] = []
        self._found: list[int] = []
        self._memory_mb: float | None = None
        self._accuracy: dict[str, Any] | None = None

    def attempt(self, step: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Take a ``step`` of this one, and none any more after the first that fails."""
        if self._error:
            return
        try:
            step(*args, **kwargs)
        except WorkerError as error:
            self._error = str(error)

    def start(self, stack: ExitStack, paths: Sequence[str], times: int) -> None:
        """Start its process so many times, each up to its first frame; ``stack`` ends the last."""
        for _ in range(times - 1):
            with PeerProcess(self.peer) as process:
                self._first(process, paths)
        self._process = stack.enter_context(PeerProcess(self.peer))
        self._first(self._process, paths)
        if self.peer.package:
            self._version = self._process.ask("version", package=self.peer.package)["version"]

    def _first(self, process: PeerProcess, paths: Sequence[str]) -> None:
        process.ask("frames", paths=paths, seconds=0)
        self._start_s.append(process.age)

    def frames(self, paths: Sequence[str], seconds: float, *, counted: bool) -> None:
        """Give it the frames at ``paths`` for so many ``seconds``."""
        answer = self._process.ask("frames", paths=paths, seconds=seconds)
        if counted:
            self._frame_ms += answer["ms"]
            self._found += answer["found"]

    def note_memory(self) -> None:
        """Take what its process has had at most so far."""
        self._memory_mb = self._process.peak_mb()

    def classify(self, faces: Faces, paths: Sequence[str]) -> None:
        """Give the images of ``faces``, which stand in the files at ``paths``, to a new process.

        It has one thread, as the answers are the same and small networks are slower with more.
        """
        with PeerProcess(replace(self.peer, threads=1)) as process:
            words = [process.ask("faces", path=path)["labels"] for path in paths]
        predicted = indices(itertools.chain.from_iterable(words))
        self._accuracy = evaluate(faces.labels, predicted, faces.copies) | {
            "votes": evaluate_votes(faces.voted, predicted, faces.copies)
        }

    def row(self) -> dict[str, Any]:
        """Return what was measured, ready for JSON; the rest is ``None``."""
        environment, timed = self.peer.environment, self._frame_ms
        return {
            "name": self.peer.name,
            "package": self.peer.package,
            "version": self._version,
            "threads": self.peer.threads,
            "error": self._error or None,
            "start_s": statistics.median(self._start_s) if self._start_s else None,
            "frames": len(timed),
            "frame_ms": percentiles(timed) if timed else None,
            "fps": 1e3 * len(timed) / sum(timed) if timed else None,
            "found": statistics.mean(map(bool, self._found)) if self._found else None,
            "memory_mb": self._memory_mb,
            "environment_mb": disk_mb(environment) if environment.is_dir() else None,
            "accuracy": self._accuracy,
        }


def measure(
    peers: Sequence[Peer],
    images: Sequence[Image],
    faces: Faces | None,
    effort: Effort,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Return a row for each of ``peers`` on the frames ``images`` and, where given, the ``faces``.

    What goes wrong with one stands in its row and leaves the others as they are. ``say`` takes a
    line for the user before each step.
    """
    contenders = [Contender(peer) for peer in peers]
    with tempfile.TemporaryDirectory() as folder:
        with ExitStack() as stack:
            _show(contenders, stack, _save(Path(folder, "frame"), images), effort, say)
        if faces is not None:
            say("the validation images …")
            starts = range(0, len(faces.images), _FACES)
            parts = _save(Path(folder, "faces"), [faces.images[i : i + _FACES] for i in starts])
            for contender in contenders:
                contender.attempt(contender.classify, faces, parts)
    return [contender.row() for contender in contenders]


def _show(
    contenders: Sequence[Contender],
    stack: ExitStack,
    paths: Sequence[str],
    effort: Effort,
    say: Callable[[str], None],
) -> None:
    """Give all of ``contenders`` the frames at ``paths``; ``stack`` ends their processes."""
    for contender in contenders:
        say(f"starting {contender.peer.name} …")
        contender.attempt(contender.start, stack, paths, effort.starts)
    say("the same frames for each in turn …")
    for number in range(_WARM_UP_ROUNDS + effort.rounds):
        counted = number >= _WARM_UP_ROUNDS
        for contender in rotated(contenders, number):
            contender.attempt(contender.frames, paths, effort.seconds, counted=counted)
    for contender in contenders:
        contender.attempt(contender.note_memory)


def _save(stem: Path, arrays: Sequence[NDArray[np.uint8]]) -> list[str]:
    paths = [f"{stem}{number}.npy" for number in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths
