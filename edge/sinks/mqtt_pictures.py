"""Annotated pictures for a broker, drawn and encoded beside the loop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from edge.types import Frame, FrameResult
from edge.vision.jpeg import encode
from edge.vision.painter import Painter


class Pictures:
    """Draws, encodes and sends a picture of each camera ``every`` so many seconds, on a thread."""

    def __init__(
        self, every: float, painter: Callable[[], Painter], send: Callable[[str, bytes], None]
    ) -> None:
        """Raise ``SinkError`` where OpenCV can't draw."""
        painter()
        self._every, self._painter, self._send = every, painter, send
        self._next: dict[str, float] = {}
        self._work: queue.Queue[tuple[str, Frame, FrameResult] | None] = queue.Queue(1)

    def start(self) -> None:
        """Begin to draw what is offered."""
        threading.Thread(target=self._draw, name="mqtt pictures", daemon=True).start()

    def offer(self, topic: str, frame: Frame, result: FrameResult, clock: float) -> None:
        """Take the frame where it is time for a picture and none waits."""
        if clock >= self._next.get(topic, 0.0) and not self._work.full():
            self._next[topic] = clock + self._every
            self._work.put_nowait((topic, frame, result))

    def stop(self) -> None:
        """Draw no more."""
        if not self._work.full():
            self._work.put_nowait(None)

    def _draw(self) -> None:
        painters: dict[str, Painter] = {}
        while work := self._work.get():
            topic, frame, result = work
            if topic not in painters:
                painters[topic] = self._painter()
            self._send(topic, encode(painters[topic].paint(frame, result)))
