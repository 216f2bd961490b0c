"""Frames a second of the whole loop over frames that wait in memory, as those of a file do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from benchmarks.memory import Memory
from benchmarks.reference import Pace
from benchmarks.turns import rotated
from benchmarks.uncertainty import percentile_intervals, percentiles
from edge.assembly import look_ahead, networks_at_once, open_crew
from edge.detectors.blazeface import BlazeFace
from edge.errors import EdgeError
from edge.frames import Image
from edge.loop import Stop, run
from edge.settings import Settings
from edge.stats import Stats

_WARM_UP_ROUNDS = 1


class Contender:
    """The loop with at most ``parallel`` frames and networks at work at the same time."""

    def __init__(self, content: bytes, parallel: int) -> None:
        """Open the networks; ``content`` is a classifier's file."""
        self.parallel = parallel
        self.fps: list[float] = []
        self.pace = Pace()
        self._settings = Settings(parallel=parallel)
        self._crew = open_crew(content, "classifier", self._settings)
        self._detector = BlazeFace()

    def take(self, images: Sequence[Image]) -> float:
        """Return the frames a second of one run over ``images``."""
        source, pipeline = look_ahead(Memory(images), self._detector, self._crew, self._settings)
        stats = Stats()
        run(source, pipeline, [stats], Stop(), _fail)
        return stats.fps


def measure(
    content: bytes, images: Mapping[int, Sequence[Image]], rounds: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the loop over the ``images`` of each number of faces, in so many ``rounds``.

    One network after the other, and as many at a time as the runtime has by itself, in turn in one
    run, another first in each round. ``fps`` is the median of the rounds. Returns the figures, and
    the samples.
    """
    most = networks_at_once(Settings())
    rows, samples = [], []
    for faces, frames in images.items():
        contenders = [Contender(content, parallel) for parallel in sorted({1, most})]
        in_turn(contenders, frames, rounds)
        rows += [
            {
                **{"faces": faces, "networks": each.parallel, "fps": percentiles(each.fps)["p50"]},
                "fps_interval": percentile_intervals([[fps] for fps in each.fps])["p50"],
            }
            for each in contenders
        ]
        samples += [
            {
                **{"subject": f"throughput, {faces} faces", "threads": each.parallel},
                **{"fps": each.fps, "pace_ms": each.pace.ms},
            }
            for each in contenders
        ]
    return rows, samples


def in_turn(contenders: Sequence[Contender], images: Sequence[Image], rounds: int) -> None:
    """Note what each of ``contenders`` makes of ``images`` in each round, after one to warm up."""
    for number in range(_WARM_UP_ROUNDS + rounds):
        for contender in rotated(contenders, number):
            fps = contender.take(images)
            if number >= _WARM_UP_ROUNDS:
                contender.fps.append(fps)
                contender.pace.take()


def _fail(error: EdgeError) -> NoReturn:
    raise error
