"""All packages interleaved in one run, ours among them, each in its own process and environment.

A block is as long for a slow package as for a fast one; the first rounds warm up.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks import machine, stats
from benchmarks.errors import WorkerError
from benchmarks.footprint import disk_mb
from benchmarks.frames import demo_images
from benchmarks.measure import rotated
from benchmarks.peers.registry import OURS, PEERS, Peer
from benchmarks.process import Process
from benchmarks.results import Origin
from train.data import copies_in_train, load_split
from train.layout import EXPRESSIONS
from train.metrics import voted_labels
from train.provenance import digest

NAME = "peers.json"
_WARM_UP_ROUNDS, _STARTS, _SECONDS = 2, 3, 1.0
_FACES = 256
"""In one request: its limit is for the slowest package on a slow device."""
_SYNONYMS = {"anger": "angry", "happiness": "happy", "sadness": "sad", "surprised": "surprise"}
Start = Callable[[Peer], Process]


class PeerRow(Struct, frozen=True):
    """One package; what could not be measured is None, and ``error`` says why."""

    name: str
    version: str = ""
    threads: int | None = None
    error: str | None = None
    start_s: float | None = None
    frames: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    fps: float | None = None
    found: float | None = None
    memory_mb: float | None = None
    environment_mb: float | None = None
    top1: float | None = None
    top1_without_copies: float | None = None
    votes_top1: float | None = None
    macro_f1: float | None = None


class Peers(Struct, frozen=True, tag_field="format", tag="peers-3"):
    """Ours (the first rows) and the public alternatives; ``models`` are the digests of ours."""

    origin: Origin
    models: dict[str, str]
    rounds: int
    seconds: float
    starts: int
    frame_size: tuple[int, int]
    rows: list[PeerRow]


@dataclass(frozen=True, slots=True)
class Faces:
    """What the classifiers are given, and what their words are compared with.

    ``images`` is grey ``uint8[n, 48, 48]``, ``labels`` ``int64[n]``, ``voted`` ``int64[n]`` the
    FER+ majority (-1: none), ``copies`` ``bool[n]``: also in the training split.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    voted: NDArray[np.int64]
    copies: NDArray[np.bool_]

    def scores(self, words: Iterable[str]) -> dict[str, float]:
        """Return the accuracy fields of a row; raises ``WorkerError`` for an unknown word."""
        names = [_SYNONYMS.get(word.lower(), word.lower()) for word in words]
        if unknown := sorted(set(names) - set(EXPRESSIONS)):
            raise WorkerError(
                f"expected words for {', '.join(EXPRESSIONS)}, found {', '.join(unknown)}; "
                "add them to benchmarks/peers/measure.py"
            )
        predicted = np.array([EXPRESSIONS.index(name) for name in names], np.int64)
        right, known = predicted == self.labels, self.voted >= 0
        matrix = stats.confusion(self.labels, predicted, len(EXPRESSIONS))
        found = {
            "top1": right.mean(),
            "top1_without_copies": right[~self.copies].mean(),
            "votes_top1": (predicted == self.voted)[known].mean(),
            "macro_f1": stats.macro_f1(matrix).value,
        }
        return {name: round(float(value), 5) for name, value in found.items()}


def start(peer: Peer) -> Process:
    """Start the worker of ``peer``; raises ``WorkerError``."""
    python = peer.environment / "bin" / "python"
    worker = ("-m", "benchmarks.peers.worker", peer.adapter, peer.kind, *peer.arguments)
    threads = {} if peer.threads is None else {"OMP_NUM_THREADS": str(peer.threads)}  # torch's
    return Process((str(python), *worker), environment={"TF_CPP_MIN_LOG_LEVEL": "3", **threads})


@dataclass(slots=True)
class Contender:
    """One peer, its process while the measurement lasts, and what was measured of it."""

    peer: Peer
    start: Start
    process: Process | None = None
    times: list[float] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    row: dict[str, Any] = field(default_factory=dict)

    def attempt(self, step: Callable[..., None], *arguments: Any) -> None:
        """Take a step, and none after the first that fails."""
        if "error" not in self.row:
            try:
                step(*arguments)
            except WorkerError as error:
                self.row["error"] = str(error)

    def open(self, stack: ExitStack, paths: Sequence[str]) -> None:
        """Start its process several times up to the first frame; ``stack`` ends the last."""
        for _ in range(_STARTS - 1):
            with self.start(self.peer) as process:
                self._first(process, paths)
        self.process = stack.enter_context(self.start(self.peer))
        self._first(self.process, paths)
        if self.peer.package:
            self.row |= self.process.ask("version", package=self.peer.package)

    def _first(self, process: Process, paths: Sequence[str]) -> None:
        process.ask("frames", paths=paths, seconds=0)
        self.starts.append(process.age)

    def block(self, paths: Sequence[str], seconds: float, counted: bool) -> None:
        """Give it the frames at ``paths`` for so many ``seconds``."""
        assert self.process
        reply = self.process.ask("frames", paths=paths, seconds=seconds)
        self.row["memory_mb"] = self.process.peak_rss_mb()
        if counted:
            self.times += reply["ms"]
            self.found += reply["found"]

    def classify(self, faces: Faces, paths: Sequence[str]) -> None:
        """Give the faces, which stand in the files at ``paths``, to a new process of one thread."""
        with self.start(replace(self.peer, threads=1)) as process:
            words = [process.ask("faces", path=path)["labels"] for path in paths]
        self.row |= faces.scores(itertools.chain.from_iterable(words))

    def result(self) -> PeerRow:
        """Return what was measured."""
        peer, times, row = self.peer, self.times, self.row
        if self.starts:
            row["start_s"] = round(statistics.median(self.starts), 4)
        if times:
            row["p50_ms"], row["p95_ms"] = np.percentile(times, (50, 95)).round(5).tolist()
            row["fps"] = round(1e3 * len(times) / sum(times), 3)
            row["found"] = round(statistics.mean(map(bool, self.found)), 5)
        if peer.environment.is_dir():
            row["environment_mb"] = round(disk_mb(peer.environment), 1)
        return PeerRow(name=peer.name, threads=peer.threads, frames=len(times), **row)


def measure(
    faces: Faces | None,
    rounds: int,
    peers: Sequence[Peer] = (*OURS, *PEERS),
    seconds: float = _SECONDS,
    start: Start = start,
) -> Peers:
    """Measure ``peers`` on the demo, and on ``faces`` where there are any.

    What goes wrong with one stands in its row and leaves the others as they are.
    """
    frames = demo_images(1)
    contenders = [Contender(peer, start) for peer in peers]
    with tempfile.TemporaryDirectory() as folder:
        with ExitStack() as stack:
            paths = _save(Path(folder, "frame"), frames)
            for contender in contenders:
                contender.attempt(contender.open, stack, paths)
            for number in range(_WARM_UP_ROUNDS + rounds):
                counted = number >= _WARM_UP_ROUNDS
                for contender in rotated(contenders, number):
                    contender.attempt(contender.block, paths, seconds, counted)
        if faces is not None:
            parts = [faces.images[i : i + _FACES] for i in range(0, len(faces.images), _FACES)]
            paths = _save(Path(folder, "faces"), parts)
            for contender in contenders:
                contender.attempt(contender.classify, faces, paths)
    files = {Path(peer.arguments[0]) for peer in peers if not peer.package}
    return Peers(
        origin=machine.origin(),
        models={path.name: digest(path) for path in sorted(files) if path.is_file()},
        rounds=rounds,
        seconds=seconds,
        starts=_STARTS,
        frame_size=(frames[0].shape[1], frames[0].shape[0]),
        rows=[contender.result() for contender in contenders],
    )


def validation_faces(images: Path) -> Faces:
    """Read the validation split below ``images``; raises ``TrainError``."""
    validation = load_split(images, "validation")
    copies = copies_in_train(validation, load_split(images, "train"))
    voted = voted_labels(validation.images)
    return Faces(validation.images[..., 0], validation.labels, voted, copies)


def _save(stem: Path, arrays: Sequence[NDArray[np.uint8]]) -> list[str]:
    paths = [f"{stem}{number}.npy" for number in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths
