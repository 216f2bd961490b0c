"""Events as lines of JSON, in a file, through a pipe or on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from edge.events import Event
from edge.protocols import BaseSink
from edge.settings import Recording
from edge.sinks.writers import JsonLines, check_lines, line_writer
from edge.types import Frame, FrameResult, Outage


def check(path: Path) -> None:
    """Raise ``SinkError`` unless a run could write events to ``path``; nothing is made."""
    check_lines(path)


class EventSink(BaseSink):
    """Writes ``event.to_dict()`` of each event to ``path`` as a line of JSON."""

    def __init__(self, path: Path, recording: Recording | None = None) -> None:
        """Name the file or the pipe; "-" is standard output."""
        self._writer = line_writer(path, JsonLines(), recording)

    def __enter__(self) -> Self:
        """Open it; raises ``SinkError``."""
        self._writer.open()
        return self

    def __exit__(self, *problem: object) -> None:
        """Close it; raises ``SinkError``."""
        self._writer.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Let the time pass; raises ``SinkError``."""
        self._writer.write([])

    def lost(self, outage: Outage) -> None:
        """Let the time pass; raises ``SinkError``."""
        self._writer.write([])

    def notice(self, event: Event) -> None:
        """Write one line; raises ``SinkError``."""
        self._writer.write([event.to_dict()])
