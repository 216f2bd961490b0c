"""A run on a paced camera, with or without those who look on, measured on request.

``python -m benchmarks.publishing_worker MODEL [TABLE=ADDRESS…]`` builds the parts of a run and
serves; "web=8080" adds the page. In a process of its own, so that its memory is that of the run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2

from benchmarks.camera import PacedCapture
from benchmarks.frames import demo_images
from benchmarks.reference import Reference
from benchmarks.serving import replies, serve
from edge.errors import EdgeError
from edge.protocols import Sink
from edge.recognizer import Recognizer
from edge.run.build import RunSettings, build
from edge.run.loop import give
from edge.sinks import PUBLISHERS
from edge.sources.live import LiveSource

RATE = 30
"""Frames a second."""
_SECONDS = 2.0
"""Of a block."""


class Worker:
    """Replies to requests about one run, whose ``sinks`` are open."""

    def __init__(self, recognizer: Recognizer, sinks: Sequence[Sink]) -> None:
        """Take the open parts."""
        self._recognizer, self._sinks = recognizer, sinks
        self._images = demo_images(1)
        self._reference: Reference | None = None

    def block(self) -> dict[str, list[float]]:
        """Milliseconds of each frame: all of its work, and from its capture to its result."""
        whole: list[float] = []
        latency: list[float] = []
        count = round(_SECONDS * RATE)
        with LiveSource(lambda: PacedCapture(self._images, RATE), "paced camera") as source:
            for item in self._recognizer.watch(source):
                done = time.perf_counter_ns()
                for sink in self._sinks:
                    give(item, sink)
                if not isinstance(item, tuple):
                    continue
                frame, result = item
                given = (time.perf_counter_ns() - done) / 1e6
                whole.append(sum(result.stage_ms.values()) + given)
                latency.append((time.monotonic() - frame.captured_at) * 1e3 - given)
                if len(whole) == count:
                    break
        return {"frame": whole, "latency": latency}

    def reference(self) -> dict[str, list[float]]:
        """Milliseconds of a block of the reference network."""
        self._reference = self._reference or Reference()
        return {"ms": self._reference()}


def main(arguments: Sequence[str]) -> int:
    """Build and serve; what can't be had is one line of JSON."""
    stream = replies()
    cv2.setNumThreads(1)  # as the runtime's own command line does
    model, *asked = arguments
    addresses = dict(each.split("=", 1) for each in asked)
    tables = {
        publisher.name: publisher.options(address=addresses[publisher.name])
        for publisher in PUBLISHERS
        if publisher.name in addresses
    }
    try:
        settings = RunSettings(source=("demo",), display="off", model=Path(model), **tables)
        run = build(settings, lambda: None, lambda: False, lambda _: None)
        with ExitStack() as stack:
            sinks = [stack.enter_context(sink) for sink in run.sinks]
            worker = Worker(run.recognizer, sinks)
            methods: dict[str, Callable[..., Any]] = {
                "block": worker.block,
                "reference": worker.reference,
            }
            print(json.dumps({"ready": True}), file=stream, flush=True)
            serve(methods, sys.stdin, stream)
    except EdgeError as error:
        print(json.dumps({"error": str(error)}), file=stream, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
