"""From capture to result with a camera that gives frames at its own pace."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.frames import demo_images, workers
from benchmarks.measure import Probe, Series, interleave
from benchmarks.reference import Reference
from benchmarks.results import Camera
from edge.recognizer import Recognizer
from edge.sources.live import LiveSource
from edge.types import Image, Outage

RATES = (15, 30, 60)
"""Frames a second."""
_SECONDS = 1.0
"""Of a block."""


class PacedCapture:
    """A camera that gives ``images`` over and over, each when it is due and not again."""

    format = ""

    def __init__(
        self,
        images: Sequence[Image],
        fps: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start the clock; ``fps`` is its pace."""
        self.fps = fps
        self._images = itertools.cycle(images)
        self._due, self._clock, self._sleep = clock(), clock, sleep

    def read(self) -> Image:
        """Wait for the next image."""
        self._due += 1 / self.fps
        self._sleep(max(self._due - self._clock(), 0.0))
        return next(self._images)

    def release(self) -> None:
        """Release nothing."""


class PacedRun:
    """The recognizer on a paced camera; counts frames and drops."""

    def __init__(self, recognizer: Recognizer, images: Sequence[Image], rate: int) -> None:
        """Take a camera of ``rate`` frames a second."""
        self.frames = self.dropped = 0
        self._recognizer, self._images, self._rate = recognizer, images, rate

    def block(self, seconds: float = _SECONDS) -> dict[str, list[float]]:
        """Return the milliseconds from capture to result of each frame, and of the work in it."""
        latency: list[float] = []
        work: list[float] = []
        count = max(2, round(seconds * self._rate))
        with LiveSource(lambda: PacedCapture(self._images, self._rate), "paced camera") as source:
            for item in self._recognizer.follow(source):
                if isinstance(item, Outage):
                    continue
                frame, result = item
                latency.append((time.monotonic() - frame.captured_at) * 1e3)
                work.append(sum(result.stage_ms.values()))
                self.dropped += frame.dropped
                if len(latency) == count:
                    break
        self.frames += count
        return {"latency": latency, "work": work}


def measure(model: Path, rounds: int) -> tuple[list[Camera], list[Series]]:
    """Run the product with the file ``model`` on a camera of each of ``RATES`` in turn."""
    reference, images = Reference(), demo_images(1)
    recognizer = Recognizer(model, workers=workers())
    runs = [PacedRun(recognizer, images, rate) for rate in RATES]
    probes = [
        Probe(Series(f"camera, frames a second: {rate}"), run.block, reference)
        for rate, run in zip(RATES, runs, strict=True)
    ]
    interleave(probes, rounds)
    rows = [
        Camera(
            rate,
            run.frames,
            run.dropped,
            probe.series.summary("latency"),
            probe.series.summary("work"),
        )
        for rate, run, probe in zip(RATES, runs, probes, strict=True)
    ]
    return rows, [probe.series for probe in probes]
