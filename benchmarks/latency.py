"""How long one face and one frame take, all subjects measured in turn in one run.

Each subject runs in a process of its own. In every round each takes its turn, so that a disturbance
of the machine falls on all; the first rounds warm up and are not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from rich.console import Console
from rich.progress import track

from benchmarks.errors import WorkerError
from benchmarks.subjects import TFLITE, Subject

_WARM_UP_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: ``rounds`` of ``calls`` classifications and of ``frames`` frames."""

    rounds: int
    calls: int = 20
    frames: int = 12


@dataclass(slots=True)
class Samples:
    """Raw samples of one subject at one number of threads, in milliseconds."""

    subject: str
    threads: int
    runtime: str = ""
    error: str = ""
    memory_mb: float = 0.0
    face_ms: list[float] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    stage_ms: list[dict[str, float]] = field(default_factory=list)


class Process:
    """A worker process of one subject; a context manager."""

    def __init__(self, subject: Subject, threads: int) -> None:
        """Start it; it loads meanwhile."""
        arguments = [subject.kind, str(subject.path), str(threads)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
        )
        self.samples = Samples(subject.name, threads)

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
        if "error" in first:
            raise WorkerError(first["error"])
        self.samples.runtime = first["runtime"]

    def ask(self, request: str, **arguments: int) -> dict[str, Any]:
        """Send one request and wait for its answer; raises ``WorkerError`` where it dies."""
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
        return json.loads(line)  # type: ignore[no-any-return]

    def _died(self) -> WorkerError:
        return WorkerError(f"{self.samples.subject}: its process ended; its message stands above")


def measure(chosen: Sequence[Subject], threads: Sequence[int], effort: Effort) -> list[Samples]:
    """Measure every subject at every number of ``threads``; failures stand in ``Samples.error``.

    An h5 is measured at the first number alone: its processes take half a gigabyte each.
    """
    with ExitStack() as stack:
        processes = []
        for subject in chosen:
            for count in threads if subject.kind == TFLITE else threads[:1]:
                process = stack.enter_context(Process(subject, count))
                processes.append(process)
                # One at a time: two TensorFlows that start at once take longer than in turn.
                _guarded(process, process.wait_until_loaded)
        rounds = range(_WARM_UP_ROUNDS + effort.rounds)
        for number in track(rounds, "rounds", console=Console(stderr=True), transient=True):
            for process in processes:
                if not process.samples.error:
                    _guarded(process, lambda p=process, n=number: _round(p, effort, n))
        for process in processes:
            if not process.samples.error:
                _guarded(process, partial(_note_memory, process))
        return [process.samples for process in processes]


def _round(process: Process, effort: Effort, number: int) -> None:
    faces = process.ask("latency", times=effort.calls)
    frames = process.ask("loop", frames=effort.frames)
    if number >= _WARM_UP_ROUNDS:
        process.samples.face_ms += faces["ms"]
        process.samples.frame_ms += frames["ms"]
        process.samples.stage_ms += frames["stage_ms"]


def _note_memory(process: Process) -> None:
    process.samples.memory_mb = process.ask("memory")["mb"]


def _guarded(process: Process, step: Any) -> None:
    try:
        step()
    except WorkerError as error:
        process.samples.error = str(error)
