"""The loop: frames from a source through the pipeline to the sinks, until something says stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from edge.errors import DetectorError, EdgeError, SourceLostError
from edge.frames import Outage, Processor, Sink, Source


class Stop:
    """A wish to stop, which a signal handler may utter.

    Not a ``threading.Event``: its lock can deadlock when a handler interrupts its own thread.
    """

    def __init__(self) -> None:
        """Start without the wish."""
        self._wished = False

    def set(self, *_: object) -> None:
        """Ask for the stop; takes and ignores what a signal handler is given."""
        self._wished = True

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._wished


def run(
    source: Source,
    pipeline: Processor,
    sinks: Sequence[Sink],
    stop: Stop,
    report: Callable[[EdgeError], None],
) -> bool:
    """Give every frame of ``source`` with its result to every sink, until the end or ``stop``.

    A wish to stop that comes while the source is opened opens no sink. An outage goes to the sinks
    as it is. A file that ends before its time or a detector that is lost on the way goes to
    ``report`` and ends the loop like the end of a file, so that what was found until then is kept.
    Other ``EdgeError`` pass through. Returns whether it wasn't ``stop`` that ended it.
    """
    with ExitStack() as stack:
        frames = stack.enter_context(source)
        if stop.is_set():  # an output would be begun for nothing
            return False
        writers = [stack.enter_context(sink) for sink in sinks]
        try:
            for frame in frames:
                if isinstance(frame, Outage):
                    for writer in writers:
                        writer.lost(frame)
                else:
                    result = pipeline.process(frame)
                    for writer in writers:
                        writer.write(frame, result)
                if stop.is_set():
                    return False
        except (SourceLostError, DetectorError) as error:
            report(error)
    return True
