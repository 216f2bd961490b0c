"""How long one face takes, each variant in a process of its own."""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.candidates import Candidate
from benchmarks.errors import WorkerError
from benchmarks.measure import Probe, Series, interleave
from benchmarks.process import Process

CALLS, SECONDS = 50, 10.0
"""In a block, and for all blocks of one variant: a slow one has shorter blocks."""
_WARM_UP = 20
Start = Callable[[Candidate, int, Path], Process]
"""Starts the worker of a candidate with so many threads, on the faces in an array file."""


@dataclass(slots=True)
class Run:
    """What was measured of one candidate at one number of threads."""

    candidate: Candidate
    series: Series
    runtime: str = ""
    load_ms: float | None = None
    first_ms: float | None = None
    memory_mb: float | None = None


def starter(keras: Path | None) -> Start:
    """Return what starts workers; ``keras`` is the Python with Keras, which an h5 needs."""

    def start(candidate: Candidate, threads: int, faces: Path) -> Process:
        python = keras if candidate.is_h5 and keras else sys.executable
        worker = (str(python), "-m", "benchmarks.worker", candidate.variant, str(candidate.path))
        return Process((*worker, str(threads), str(faces)))

    return start


def measure(
    chosen: Sequence[Candidate],
    threads: Sequence[int],
    rounds: int,
    faces: NDArray[np.uint8],
    start: Start,
) -> list[Run]:
    """Time single ``faces`` (``uint8[n, h, w, 1]``) at each number of ``threads``.

    What fails has an error in its series and leaves the others alone. An h5 runs at the first
    number alone: it is there to compare with.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "faces.npy")
        np.save(path, faces)
        return [
            run
            for title, group, count in groups(chosen, threads)
            for run in _together(
                title, group, count, rounds, lambda each, threads: start(each, threads, path)
            )
        ]


def groups(
    chosen: Sequence[Candidate], threads: Sequence[int]
) -> list[tuple[str, list[Candidate], int]]:
    """Return which candidates are interleaved, with a title and their number of threads.

    A TensorFlow takes 800 MB, so that the h5 of each model has a group of its own.
    """
    files = [each for each in chosen if not each.is_h5]
    found = [(f"TFLite, threads: {count}", files, count) for count in threads if files]
    models: dict[Path, list[Candidate]] = {}
    for each in chosen:
        if each.is_h5:
            models.setdefault(each.h5, []).append(each)
    return found + [(f"{h5.stem} h5", own, threads[0]) for h5, own in models.items()]


def _together(
    title: str,
    group: Sequence[Candidate],
    threads: int,
    rounds: int,
    start: Callable[[Candidate, int], Process],
) -> list[Run]:
    runs = [Run(each, Series(each.name, threads)) for each in group]
    probes = []
    with ExitStack() as stack:
        for run in runs:
            try:
                # One at a time: two TensorFlows that start at once take longer than in turn.
                worker = stack.enter_context(start(run.candidate, threads))
                calls = _warm_up(run, worker, rounds)
            except WorkerError as error:
                run.series.error = str(error)
            else:
                block, reference = partial(_block, worker, calls), partial(_reference, worker)
                probes.append(Probe(run.series, block, reference))
        console = Console(stderr=True)
        hidden = not console.is_terminal
        interleave(
            probes,
            rounds,
            partial(track, description=title, console=console, transient=True, disable=hidden),
        )
    return runs


def _warm_up(run: Run, worker: Process, rounds: int) -> int:
    """Load and call until all is in memory; return how many calls a block has time for."""
    loaded = worker.reply()
    run.runtime = loaded["runtime"]
    run.load_ms, run.first_ms = round(loaded["load_ms"], 2), round(loaded["first_ms"], 3)
    median: float = statistics.median(worker.ask("latency", calls=_WARM_UP)["ms"])
    run.memory_mb = worker.peak_rss_mb()  # before the reference network is opened
    worker.ask("reference")
    return min(CALLS, max(1, math.ceil(SECONDS * 1e3 / rounds / median)))


def _block(worker: Process, calls: int) -> Mapping[str, Sequence[float]]:
    return {"face": worker.ask("latency", calls=calls)["ms"]}


def _reference(worker: Process) -> Sequence[float]:
    return list(worker.ask("reference")["ms"])
