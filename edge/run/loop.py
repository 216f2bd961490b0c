"""The loop: frames from a source through the recognizer to the sinks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing

from edge.types import Frame, FrameResult, Outage, Sink

Items = Iterable[Frame | Outage]
Follow = Callable[[Items], Generator[tuple[Frame, FrameResult] | Outage]]


def run(
    source: AbstractContextManager[Items],
    follow: Follow,
    sinks: Sequence[Sink],
    stop: Callable[[], bool],
) -> None:
    """Give every frame of ``source`` with its result, and every outage, to every sink.

    Ends with the source, or when ``stop`` says so after a frame or an outage. ``EdgeError`` pass
    through once every sink is closed, so that what was found until then is kept.
    """
    with ExitStack() as stack:
        frames = stack.enter_context(source)
        writers = [stack.enter_context(sink) for sink in sinks]
        for item in stack.enter_context(closing(follow(frames))):
            for writer in writers:
                writer.lost(item) if isinstance(item, Outage) else writer.write(*item)
            if stop():
                break
