"""A clip in which somebody's expression changes."""

from __future__ import annotations

from pathlib import Path

from edge.sinks.video import VideoSink
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Frame, FrameResult

FPS = 30


def write_change(path: Path, frames: int = 30) -> None:
    """Write ``frames`` of a happy face, and then as many of a neutral one in the same place."""
    with VideoSink(path) as sink:
        for n, portrait in enumerate(load_portraits()):
            demo = DemoSource([portrait], faces=1)
            for index in range(n * frames, (n + 1) * frames):
                time = index / FPS
                frame = Frame(demo.render(index), index, time, path.name)
                sink.write(frame, FrameResult(path.name, index, time, ()))
