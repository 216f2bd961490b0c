"""The loop with several numbers of faces in turn, block by block, beside what it is compared with.

It imports the runtime alone, which is all that an environment of the edge has.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks.memory import FPS
from edge.frames import Frame, Image, Processor

T = TypeVar("T")
BLOCK = 25
"""Frames of a turn. Frame by frame, each would find the caches as the other left them; blocks that
long find them as a loop that does nothing else does, and are short enough that what disturbs the
machine mostly falls on all."""
_LEAST_ROUNDS = 2


@dataclass(slots=True)
class Scene:
    """Frames with so many faces; their times, and those of calls ``beside`` them, by the round.

    ``images`` (``uint8[H, W, 3]`` BGR) are shown over and over. A turn is a block of frames and
    then ``calls`` of each of ``beside``; times are in milliseconds, ``clock`` in nanoseconds.
    """

    faces: int
    images: Sequence[Image]
    pipeline: Processor
    beside: Mapping[str, Callable[[], object]]
    calls: int = BLOCK
    clock: Callable[[], int] = time.perf_counter_ns
    frame_ms: list[list[float]] = field(default_factory=list)
    stage_ms: dict[str, list[list[float]]] = field(default_factory=dict)
    beside_ms: dict[str, list[list[float]]] = field(default_factory=dict)
    _found: list[int] = field(default_factory=list)
    _shown: int = 0

    def warm_up(self) -> None:
        """Take a turn that counts for nothing."""
        self.take()
        for kept in (self.frame_ms, self.stage_ms, self.beside_ms, self._found):
            kept.clear()

    def take(self) -> None:
        """Take the turn of a round."""
        block = [self._timed(partial(self.pipeline.process, self._next())) for _ in range(BLOCK)]
        pairs = [
            {name: self._timed(call)[0] for name, call in self.beside.items()}
            for _ in range(self.calls)
        ]
        self.frame_ms.append([milliseconds for milliseconds, _ in block])
        self._found += [len(result.tracks) for _, result in block]
        for stage in block[0][1].stage_ms:
            times = [result.stage_ms[stage] for _, result in block]
            self.stage_ms.setdefault(stage, []).append(times)
        for name in self.beside:
            self.beside_ms.setdefault(name, []).append([pair[name] for pair in pairs])

    @property
    def found(self) -> float:
        """Mean number of faces that were found in a frame."""
        return statistics.mean(self._found)

    @property
    def seconds(self) -> float:
        """What the frames took, without those that warmed up and without the calls beside them."""
        return sum(map(sum, self.frame_ms)) / 1e3

    def _next(self) -> Frame:
        index = self._shown
        self._shown += 1
        return Frame(self.images[index % len(self.images)], index, index / FPS)

    def _timed(self, call: Callable[[], T]) -> tuple[float, T]:
        """Milliseconds of ``call``, and what it returned."""
        start = self.clock()
        result = call()
        return (self.clock() - start) / 1e6, result


def take_turns(scenes: Sequence[Scene], rounds: int, seconds: float) -> None:
    """Give each of ``scenes`` its turn in so many ``rounds``, after one that warms up.

    The rounds are fewer, two at the least, where the frames of each have taken ``seconds`` before:
    then the slower ones have taken longer, so that all have as many.
    """
    for scene in scenes:
        scene.warm_up()
    for number in range(rounds):
        if number >= _LEAST_ROUNDS and min(scene.seconds for scene in scenes) >= seconds:
            return
        for scene in rotated(scenes, number):
            scene.take()


def rotated(items: Sequence[T], number: int) -> Sequence[T]:
    """``items`` in the order of round ``number``: none is always the first, or the last."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


def blocks(frames: int) -> int:
    """In how many rounds there are so many ``frames`` at the least."""
    return max(_LEAST_ROUNDS, -(-frames // BLOCK))
