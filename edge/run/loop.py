"""The loop: frames from a source through the recognizer to the sinks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing

from edge.events import Event
from edge.protocols import Sink
from edge.types import Frame, FrameResult, Outage

Items = Generator[tuple[Frame, FrameResult] | Outage | Event]


def run(results: Items, sinks: Sequence[Sink], stop: Callable[[], bool]) -> None:
    """Give every frame with its result, every outage and every event to every sink.

    Once ``stop`` says so only events are given, those of the people who leave; ``results`` are to
    end soon then. ``EdgeError`` pass through once every sink is closed, so that what was found
    until then is kept.
    """
    stopping = False
    with closing(results), ExitStack() as stack:
        writers = [stack.enter_context(sink) for sink in sinks]
        for item in results:
            if not stopping or isinstance(item, Event):
                for writer in writers:
                    give(item, writer)
            stopping = stopping or stop()


def give(item: tuple[Frame, FrameResult] | Outage | Event, sink: Sink) -> None:
    """Give one thing to one sink; raises ``SinkError``."""
    if isinstance(item, Outage):
        sink.lost(item)
    elif isinstance(item, Event):
        sink.notice(item)
    else:
        sink.write(*item)
