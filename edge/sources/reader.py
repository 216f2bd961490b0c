"""One life of a device: a thread opens it and reads it until it is told to close."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from edge.errors import SourceError
from edge.frames import Frame, Image
from edge.sources.mailbox import Mailbox

_RETRY = 0.01
"""Pause after a read that gave nothing, seconds."""


class Capture(Protocol):
    """An open device."""

    fps: float
    """Frames a second that it promises, 0 where it doesn't say."""
    format: str
    """How it sends pictures ("MJPG") and what else it is known by; empty for nothing."""

    def read(self) -> Image | None:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; None where none came.

        Raises ``SourceLostError`` where none will come any more.
        """
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class Reader:
    """Opens and reads a device in a daemon thread, so that nobody ever waits for a blocked call."""

    def __init__(self, open_capture: Callable[[], Capture], name: str) -> None:
        """Name the device; ``open_capture`` raises ``SourceError`` where it can't open it."""
        self.fps, self.format = 0.0, ""
        self._open_capture = open_capture
        self._mailbox: Mailbox[tuple[Image, float]] = Mailbox()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to open the device."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the device may still be open."""
        return self._thread.is_alive()

    def take(self, index: int, timeout: float) -> Frame | None:
        """Return the newest image as frame ``index``; None where none comes in ``timeout`` seconds.

        Raises ``SourceError`` where the device didn't open, or gives nothing any more.
        """
        taken = self._mailbox.take(timeout)
        if taken is None:
            return None
        (image, captured_at), dropped = taken
        return Frame(image, index, captured_at, dropped, live=True)

    def close(self, wait: float = 0.0) -> None:
        """Release the device once its read returns; wait for that at most ``wait`` seconds."""
        self._closing.set()
        self._thread.join(wait)

    def _run(self) -> None:
        try:
            capture = self._open_capture()
        except SourceError as error:
            self._mailbox.fail(error)
            return
        self.fps, self.format = capture.fps, capture.format
        try:
            while not self._closing.is_set():
                image = capture.read()
                if image is not None:
                    self._mailbox.put((image, time.monotonic()))
                else:
                    self._closing.wait(_RETRY)
        except SourceError as error:
            self._mailbox.fail(error)
        finally:
            capture.release()
