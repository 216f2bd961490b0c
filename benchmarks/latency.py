"""How long one face and one frame take, all subjects measured in turn in one run.

Each subject runs in a process of its own. In every round each takes its turn, so that a disturbance
of the machine falls on all; before the rounds each warms up, which is not counted.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.errors import WorkerError
from benchmarks.subjects import TFLITE, Subject

SAMPLES_SUFFIX = ".jsonl"
"""Of the file that raw samples are kept in."""
_WARM_UP_ROUNDS = 2
_WARM_UP = 10
"""Calls of either kind in such a round."""
_REFERENCES = 20
"""Calls of the reference in each round, beside what is measured."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    In each of ``rounds``, ``calls`` classifications of a face and ``frames`` frames of the loop, or
    fewer where all of one kind would take longer than ``seconds``.
    """

    rounds: int = 20
    calls: int = 50
    frames: int = 15
    seconds: float = 10.0

    @property
    def invocations(self) -> int:
        """How many classifications stand behind a figure, unless its time is up before."""
        return self.rounds * self.calls

    def share(self, most: int, milliseconds: float) -> int:
        """How often a round calls what takes so long: ``most`` times, or as time allows."""
        return max(1, min(most, int(self.seconds * 1e3 / self.rounds / milliseconds)))


@dataclass(slots=True)
class Samples:
    """Raw samples of one subject at one number of threads, in milliseconds, by the round.

    ``reference_ms`` is of a network that none of our code is part of, in the same process and
    round: what the machine did meanwhile.
    """

    subject: str
    threads: int
    runtime: str = ""
    error: str = ""
    load_ms: float = 0.0
    first_ms: float = 0.0
    memory_mb: float = 0.0
    face_ms: list[list[float]] = field(default_factory=list)
    frame_ms: list[list[float]] = field(default_factory=list)
    stage_ms: dict[str, list[list[float]]] = field(default_factory=dict)
    reference_ms: list[list[float]] = field(default_factory=list)


class Process:
    """A worker process of one subject; a context manager."""

    def __init__(self, subject: Subject, threads: int, faces: Path) -> None:
        """Start it; it loads meanwhile. ``faces`` is the array file of what it classifies."""
        arguments = [subject.kind, str(subject.path), str(threads), str(faces)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
        )
        self.samples = Samples(subject.name, threads)
        self.calls = self.frames = _WARM_UP

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def wait_until_loaded(self) -> None:
        """Take the worker's first line; raises ``WorkerError`` where its subject doesn't load."""
        first = self._answer()
        self.samples.runtime = first["runtime"]
        self.samples.load_ms, self.samples.first_ms = first["load_ms"], first["first_ms"]

    def ask(self, request: str, **arguments: int) -> dict[str, Any]:
        """Send one request and wait for its answer; raises ``WorkerError`` where there is none."""
        assert self._process.stdin is not None
        try:
            print(json.dumps({"do": request} | arguments), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise self._died() from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _died(self) -> WorkerError:
        return WorkerError(f"{self.samples.subject}: its process ended; its message stands above")


def measure(
    chosen: Sequence[Subject], threads: Sequence[int], effort: Effort, faces: NDArray[np.uint8]
) -> list[Samples]:
    """Measure every subject at every number of ``threads``; failures stand in ``Samples.error``.

    ``faces`` (``uint8[n, h, w, 1]``) are classified one by one, in turn. An h5 is measured at the
    first number alone: its processes take half a gigabyte each.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder, "faces.npy")
        np.save(path, faces)
        processes = []
        for subject in chosen:
            for count in threads if subject.kind == TFLITE else threads[:1]:
                process = stack.enter_context(Process(subject, count, path))
                processes.append(process)
                # One at a time: two TensorFlows that start at once take longer than in turn.
                _guarded(process, process.wait_until_loaded)
        for process in processes:
            _guarded(process, partial(_warm_up, process, effort))
        for _ in track(
            range(effort.rounds), "rounds", console=Console(stderr=True), transient=True
        ):
            for process in processes:
                _guarded(process, partial(_round, process))
        return [process.samples for process in processes]


def _warm_up(process: Process, effort: Effort) -> None:
    """Call until all is in memory, and find out what a round has time for.

    Memory is noted before the loop opens its detector.
    """
    for _ in range(_WARM_UP_ROUNDS):
        faces = process.ask("latency", times=_WARM_UP)["ms"]
    process.samples.memory_mb = process.ask("memory")["mb"]
    for _ in range(_WARM_UP_ROUNDS):
        frames = process.ask("loop", frames=_WARM_UP)["ms"]
        process.ask("reference", times=_WARM_UP)
    process.calls = effort.share(effort.calls, statistics.median(faces))
    process.frames = effort.share(effort.frames, statistics.median(frames))


def _round(process: Process) -> None:
    samples = process.samples
    samples.face_ms.append(process.ask("latency", times=process.calls)["ms"])
    samples.reference_ms.append(process.ask("reference", times=_REFERENCES)["ms"])
    frames = process.ask("loop", frames=process.frames)
    samples.frame_ms.append(frames["ms"])
    for stage, times in frames["stage_ms"].items():
        samples.stage_ms.setdefault(stage, []).append(times)


def _guarded(process: Process, step: Callable[[], None]) -> None:
    """Take a step unless an earlier one failed; that of another subject is none of its concern."""
    if process.samples.error:
        return
    try:
        step()
    except WorkerError as error:
        process.samples.error = str(error)
