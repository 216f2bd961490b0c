"""From capture to result with a camera that gives frames at its own pace."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.intervals import cost
from benchmarks.reference import Pace
from benchmarks.uncertainty import flat, in_rounds, percentile_intervals, percentiles
from edge.assembly import build_pipeline, open_crew
from edge.detectors.blazeface import BlazeFace
from edge.frames import Frame, Image, Outage
from edge.settings import Settings
from edge.sources.live import LiveSource

RATES = (15, 30, 60)
"""Frames a second."""
Samples = dict[str, Any]


def measure(
    content: bytes, images: Sequence[Image], rate: int, seconds: float, rounds: int
) -> tuple[dict[str, Any], Samples]:
    """Run the loop on a camera of ``rate`` frames a second: its figures and its samples.

    Intervals and samples are by ``rounds`` of frames in a row.
    """
    settings = Settings()
    pipeline = build_pipeline(BlazeFace(), open_crew(content, "classifier", settings), settings)
    pipeline.process(Frame(images[0], 0, 0.0))
    pace = Pace()
    pace.take()
    until = time.monotonic() + seconds
    latency, work, dropped = [], [], 0
    source = LiveSource(
        lambda: PacedCapture(images, rate), "paced", lambda: time.monotonic() > until
    )
    with source:
        for frame in source:
            if isinstance(frame, Outage):
                continue
            work.append(cost(pipeline.process(frame)))
            latency.append((time.monotonic() - frame.captured_at) * 1e3)
            dropped += frame.dropped
    pace.take()
    samples = {"latency_ms": in_rounds(latency, rounds), "work_ms": in_rounds(work, rounds)}
    counted = {"frames": len(latency), "dropped": dropped}
    figures: dict[str, Any] = {"rate": rate, **counted}
    for name, kept in samples.items():
        figures |= {name: percentiles(flat(kept)), f"{name}_interval": percentile_intervals(kept)}
    return figures, {"subject": f"camera, {rate} a second", "threads": 1, **counted, **samples} | {
        "pace_ms": pace.ms
    }


class PacedCapture:
    """A camera that gives ``images`` over and over, each when it is due and not again."""

    def __init__(
        self,
        images: Sequence[Image],
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start the clock; ``rate`` is in frames a second."""
        self.fps, self.format = float(rate), ""
        self._images = itertools.cycle(images)
        self._period, self._due = 1 / rate, clock()
        self._clock, self._sleep = clock, sleep

    def read(self) -> Image | None:
        """Wait for the next image."""
        self._due += self._period
        self._sleep(max(self._due - self._clock(), 0.0))
        return next(self._images)

    def release(self) -> None:
        """Nothing to release."""
