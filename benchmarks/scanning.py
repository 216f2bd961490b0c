"""What a scan of an archive gives and costs: speed, memory, and how far one scheduler reaches.

The ways to work on the same clips are interleaved in rounds, each in processes of its own on the
cores that it is to have.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec import Struct

from benchmarks import machine, scan_scheduling, scan_simulation
from benchmarks.errors import BenchmarkError
from benchmarks.measure import rotated
from benchmarks.peers import measure as peers
from benchmarks.peers.registry import PEERS, Peer
from benchmarks.results import Origin
from benchmarks.scan_clips import LARGE, SMALL, write_clip
from benchmarks.scan_runs import Work, on_cores, run, scan
from benchmarks.scan_scheduling import Cost
from benchmarks.scan_simulation import Reach
from edge.scan.settings import ScanSettings
from train.provenance import digest

NAME = "scanning.json"
RUN, ONE, TWO, WIDE, FER = "run", "one worker", "two workers", "one worker, two cores", "fer"
NEAR = "one worker, two cores, near faces"
_CLIP = 30
_PEAKS = ((300, SMALL), (60, SMALL), (10, LARGE))
"""Seconds and size of the clips whose memory is measured."""
_COUNTS = (2_000, 20_000)
_FILES = (1.0, 10.0, 60.0, 300.0)
"""Seconds of work that the reach of a scheduler is told for."""


class Way(Struct, frozen=True):
    """One way to work on clips: frames a second of the first, and the seconds of all, by round."""

    name: str
    fps: list[float]
    seconds: list[float]


class Peak(Struct, frozen=True):
    """The peak RSS of a worker that scanned one clip."""

    seconds: int
    size: tuple[int, int]
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median, lowest and highest of the ratios of all rounds."""

    value: float
    low: float
    high: float


class Scanning(Struct, frozen=True, tag_field="format", tag="scanning-1"):
    """Everything about scans. ``fer`` is the version of that package, None where it's not there.

    Each of ``ways`` worked on two clips of ``clip_seconds``, "run" and "fer" on one of them.
    """

    origin: Origin
    models: dict[str, str]
    rounds: int
    minutes: float
    clip_seconds: int
    ways: list[Way]
    peaks: list[Peak]
    costs: list[Cost]
    reach: list[Reach]
    fer: str | None = None

    @property
    def against_run(self) -> Ratio | None:
        """Frames a second of a worker on one core, as a multiple of those of ``run`` there."""
        return self._ratio(ONE, RUN, lambda way: way.fps)

    @property
    def two_workers(self) -> Ratio | None:
        """How much sooner two workers on two cores are done than one on one core."""
        return self._ratio(ONE, TWO, lambda way: way.seconds)

    @property
    def two_cores(self) -> Ratio | None:
        """How much sooner one worker is done with two cores than with one."""
        return self._ratio(ONE, WIDE, lambda way: way.seconds)

    @property
    def against_fer(self) -> Ratio | None:
        """Frames a second of a worker on two cores, as a multiple of those of fer there."""
        return self._ratio(WIDE, FER, lambda way: way.fps)

    @property
    def near_against_fer(self) -> Ratio | None:
        """The same where the whole frame alone is looked at."""
        return self._ratio(NEAR, FER, lambda way: way.fps)

    def fps(self, name: str) -> float:
        """Return the median of the frames a second of the way called ``name``."""
        return statistics.median(next(way.fps for way in self.ways if way.name == name))

    def _ratio(self, one: str, other: str, figures: Callable[[Way], list[float]]) -> Ratio | None:
        ways = {way.name: way for way in self.ways}
        if not {one, other} <= set(ways):
            return None
        each = [a / b for a, b in zip(figures(ways[one]), figures(ways[other]), strict=True)]
        return Ratio(statistics.median(each), min(each), max(each))


def measure(rounds: int) -> Scanning:
    """Measure all; takes some minutes. Raises ``BenchmarkError``."""
    start, cores = time.monotonic(), two_cores()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peaks = list(_peaks(Path(folder), cores))
        clips = [Path(folder, f"{name}.mp4") for name in "ab"]
        write_clip(clips[0], _CLIP)
        shutil.copy(clips[0], clips[1])
        ways = _ways(clips, cores)
        version = _add_fer(ways, clips[0], cores, stack)
        measured = interleave(ways, rounds)
    costs = scan_scheduling.measure(_COUNTS)
    model = ScanSettings(("archive",)).model_path
    return Scanning(
        origin=machine.origin(),
        models={model.name: digest(model)},
        rounds=rounds,
        minutes=round((time.monotonic() - start) / 60, 1),
        clip_seconds=_CLIP,
        ways=measured,
        peaks=peaks,
        costs=costs,
        reach=[scan_simulation.reach(each, costs[-1].cpu_ms / 1e3) for each in _FILES],
        fer=version,
    )


def two_cores() -> Sequence[int]:
    """Return two cores that this process may use; raises ``BenchmarkError``."""
    found = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(found) < 2:
        raise BenchmarkError(
            "machine: expected Linux with two cores, on each of which a process can be held, found "
            f"{len(found) or 'another system'}; measure on another machine"
        )
    return found[:2]


def interleave(ways: Mapping[str, Callable[[], Work]], rounds: int) -> list[Way]:
    """Measure every way once in each of ``rounds``, another one first."""
    found: dict[str, list[Work]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in rotated(list(ways), number):
            found[name].append(ways[name]())
    return [
        Way(name, [round(each.fps, 2) for each in all_], [round(each.seconds, 3) for each in all_])
        for name, all_ in found.items()
    ]


def _ways(clips: Sequence[Path], cores: Sequence[int]) -> dict[str, Callable[[], Work]]:
    return {
        RUN: partial(run, clips[0], cores[:1]),
        ONE: partial(scan, clips, 1, cores[:1]),
        TWO: partial(scan, clips, 2, cores),
        WIDE: partial(scan, clips, 1, cores),
        NEAR: partial(scan, clips, 1, cores, "--min-face", "0"),
    }


def _add_fer(
    ways: dict[str, Callable[[], Work]], clip: Path, cores: Sequence[int], stack: ExitStack
) -> str | None:
    """Add fer with its own settings where it is installed, and return its version."""
    peer = next(each for each in PEERS if each.package == FER)
    if not _is_there(peer):
        return None
    with on_cores(cores):
        process = stack.enter_context(peers.start(peer))

    def analyse() -> Work:
        reply = process.ask("video", path=str(clip))
        return Work(reply["frames"] / reply["seconds"], reply["seconds"])

    ways[FER] = analyse
    return str(process.ask("version", package=peer.package)["version"])


def _is_there(peer: Peer) -> bool:
    return (peer.environment / "bin" / "python").exists()


def _peaks(folder: Path, cores: Sequence[int]) -> Iterator[Peak]:
    """The longest clip on one core, meanwhile the others on the other one."""
    clips = [folder / f"{seconds}-{size[1]}.mp4" for seconds, size in _PEAKS]
    for clip, (seconds, size) in zip(clips, _PEAKS, strict=True):
        write_clip(clip, seconds, size)

    def peak(clip: Path, core: int) -> float | None:
        return scan([clip], 1, [core], watch=True).memory_mb

    with ThreadPoolExecutor(1) as pool:
        longest = pool.submit(peak, clips[0], cores[0])
        others = [peak(clip, cores[1]) for clip in clips[1:]]
        for (seconds, size), memory in zip(_PEAKS, [longest.result(), *others], strict=True):
            yield Peak(seconds, size, memory)
