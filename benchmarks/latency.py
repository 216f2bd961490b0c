"""How long one face and one frame take, in turn with what it is compared with.

Each subject runs in a process of its own, in a group of those that are alive at the same time. In
every round each of a group takes its turn, so that a disturbance of the machine falls on all, and
another begins, so that none is always measured after the same moment of a round; before the rounds
each warms up, which is not counted.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.errors import WorkerError
from benchmarks.groups import Group, Member, groups
from benchmarks.process import Process
from benchmarks.reference import CALLS
from benchmarks.subjects import Subject
from benchmarks.turns import rotated

SAMPLES_SUFFIX = ".jsonl"
"""Of the file that raw samples are kept in."""
_WARM_UP_ROUNDS = 2
_WARM_UP = 10
"""Calls of either kind in such a round."""
_SPARE = 1.1
"""How much longer than its ``seconds`` one kind may take, by the time of a call in the warm-up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    In each of ``rounds``, ``calls`` classifications of a face and ``frames`` frames of the loop.
    Where all of one kind would take longer than 1.1 times ``seconds``, by what they took in the
    warm-up, they are fewer: as many as take that, and one in each round at the least.
    """

    rounds: int = 20
    calls: int = 50
    frames: int = 50
    seconds: float = 10.0

    @property
    def invocations(self) -> int:
        """How many calls stand behind a figure, unless its time is up before."""
        return self.rounds * self.calls

    def share(self, most: int, milliseconds: float) -> int:
        """How often a round calls what takes so long: ``most`` times, or as time allows.

        A tenth more than that: what takes up to 9 % less in the rounds than when it warmed up still
        has its ``seconds``.
        """
        return min(most, math.ceil(_SPARE * self.seconds * 1e3 / self.rounds / milliseconds))


@dataclass(slots=True)
class Samples:
    """Raw samples of one subject at one number of threads, in milliseconds, by the round.

    ``reference_ms`` is of a network that none of our code is part of, in the same process and
    round: what the machine did meanwhile. ``beside`` is the subject of the line with the times of
    the yardstick in the same rounds, of all that are compared with it.
    """

    subject: str
    threads: int
    runtime: str = ""
    error: str = ""
    beside: str = ""
    load_ms: float = 0.0
    first_ms: float = 0.0
    memory_mb: float = 0.0
    face_ms: list[list[float]] = field(default_factory=list)
    frame_ms: list[list[float]] = field(default_factory=list)
    stage_ms: dict[str, list[list[float]]] = field(default_factory=dict)
    reference_ms: list[list[float]] = field(default_factory=list)


class Worker(Protocol):
    """What ``Process`` is to a turn."""

    def __enter__(self) -> Self:
        """Live."""
        ...

    def __exit__(self, *_: object) -> None:
        """End."""
        ...

    def loaded(self) -> dict[str, Any]:
        """Wait until its subject is loaded; raises ``WorkerError`` where it doesn't load."""
        ...

    def ask(self, request: str, **arguments: int) -> dict[str, Any]:
        """Send a request and wait for its answer; raises ``WorkerError`` where there is none."""
        ...


Start = Callable[[Subject, int, Path], Worker]


class Turn:
    """What a member of a group does in its turn, and its samples; nothing more once it failed."""

    def __init__(self, member: Member, group: Group, process: Worker) -> None:
        """Take a ``process`` of the member that has just been started."""
        self.samples = Samples(member.line, member.threads, beside=group.yardstick)
        self._process, self._whole = process, member.whole
        self._calls = self._frames = _WARM_UP

    def load(self) -> None:
        """Wait until the process has loaded its subject."""
        first = self._process.loaded()
        self.samples.runtime = first["runtime"]
        self.samples.load_ms, self.samples.first_ms = first["load_ms"], first["first_ms"]

    def warm_up(self, effort: Effort) -> None:
        """Call until all is in memory, and find out what a round has time for.

        Memory is noted before the loop opens its detector.
        """
        for _ in range(_WARM_UP_ROUNDS):
            faces = self._process.ask("latency", times=_WARM_UP)["ms"]
        self.samples.memory_mb = self._process.ask("memory")["mb"]
        self._calls = effort.share(effort.calls, statistics.median(faces))
        if not self._whole:
            return
        for _ in range(_WARM_UP_ROUNDS):
            frames = self._process.ask("loop", frames=_WARM_UP)["ms"]
            self._process.ask("reference", times=_WARM_UP)
        self._frames = effort.share(effort.frames, statistics.median(frames))

    def take(self) -> None:
        """Take the turn of a round."""
        samples, ask = self.samples, self._process.ask
        samples.face_ms.append(ask("latency", times=self._calls)["ms"])
        if not self._whole:
            return
        samples.reference_ms.append(ask("reference", times=CALLS)["ms"])
        frames = ask("loop", frames=self._frames)
        samples.frame_ms.append(frames["ms"])
        for stage, times in frames["stage_ms"].items():
            samples.stage_ms.setdefault(stage, []).append(times)

    def guarded(self, step: Callable[[], None]) -> None:
        """Take a step unless an earlier one failed; another's failure is none of its concern."""
        if self.samples.error:
            return
        try:
            step()
        except WorkerError as error:
            self.samples.error = str(error)


def measure(
    chosen: Sequence[Subject],
    threads: Sequence[int],
    effort: Effort,
    faces: NDArray[np.uint8],
    start: Start = Process,
) -> list[Samples]:
    """Measure every subject at every number of ``threads``; failures stand in ``Samples.error``.

    ``faces`` (``uint8[n, h, w, 1]``) are classified one by one, in turn. ``start`` starts a worker
    of a subject, at so many threads, with the file of the faces.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "faces.npy")
        np.save(path, faces)
        return [
            samples
            for group in groups(chosen, threads)
            for samples in _in_turn(group, effort, path, start)
        ]


def _in_turn(group: Group, effort: Effort, faces: Path, start: Start) -> list[Samples]:
    with ExitStack() as stack:
        turns = []
        for member in group.members:
            process = stack.enter_context(start(member.subject, member.threads, faces))
            turn = Turn(member, group, process)
            turns.append(turn)
            # One at a time: two TensorFlows that start at once take longer than in turn.
            turn.guarded(turn.load)
        for turn in turns:
            turn.guarded(partial(turn.warm_up, effort))
        console = Console(stderr=True)
        for number in track(range(effort.rounds), group.name, console=console, transient=True):
            for turn in rotated(turns, number):
                turn.guarded(turn.take)
        return [turn.samples for turn in turns]
