"""A source that can't wait: a thread reads it, and the newest frame wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol, Self

import cv2
import numpy as np

from edge.errors import SourceError, SourceLostError
from edge.frames import Frame, Image
from edge.sources.mailbox import Mailbox

_SLICE = 0.05
"""How long one wait lasts before the wish to stop is looked at, seconds."""
_JOIN = 0.2
"""How long the end waits for the reader, seconds: it may be stuck in a read for much longer."""
_RETRY = 0.01
"""Pause after a read that gave nothing, seconds."""


class Capture(Protocol):
    """What a reader needs of ``cv2.VideoCapture``."""

    def read(self) -> tuple[bool, Image | None]:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; (False, None) where there is none."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class LiveSource:
    """Frames of a device as they come; what comes while nobody asks is dropped and counted.

    ``open_capture`` opens the device and raises ``SourceError`` with advice; it and every read run
    in a daemon thread, so that nothing here ever waits for a blocked call. ``stop`` is asked while
    waiting. The source is lost after ``lost_after`` seconds without a frame; the first one may take
    ``open_within`` seconds.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        name: str,
        stop: Callable[[], bool],
        lost_after: float = 2.0,
        open_within: float = 10.0,
    ) -> None:
        """Name the device; nothing is opened yet."""
        self.fps = 30.0
        self.description = self._name = name
        self._open_capture, self._stop = open_capture, stop
        self._lost_after, self._open_within = lost_after, open_within
        self._mailbox: Mailbox[tuple[Image, float]] = Mailbox()
        self._first: Frame | None = None
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Open the device and wait for its first frame; raises ``SourceError``."""
        self._reader.start()
        self._first = self._next(0, self._open_within)
        if self._first is None and not self._stop():
            self._closing.set()
            raise SourceError(
                f"{self._name}: expected a frame within {self._open_within:g} s, found none; "
                "is it a camera, and does another program use it?"
            )
        if self._first is not None:
            height, width = self._first.image.shape[:2]
            self.description = f"{self._name} ({width}×{height})"
        return self

    def __exit__(self, *_: object) -> None:
        """Tell the reader to release the device; it does so when its read returns."""
        self._closing.set()
        self._reader.join(_JOIN)

    def __iter__(self) -> Iterator[Frame]:
        """Give the newest frame each time; raises ``SourceLostError`` when none comes any more."""
        frame = self._first
        while frame is not None:
            yield frame
            frame = self._next(frame.index + 1, self._lost_after)
        if not self._stop():
            raise SourceLostError(
                f"{self._name}: expected frames, found none for {self._lost_after:g} s; "
                "check its cable and power, then start again"
            )

    def _next(self, index: int, timeout: float) -> Frame | None:
        """Wait for a frame in slices; None after ``timeout`` seconds or at the wish to stop."""
        deadline = time.monotonic() + timeout
        while not self._stop() and time.monotonic() < deadline:
            taken = self._mailbox.take(_SLICE)
            if taken is not None:
                (image, captured_at), dropped = taken
                return Frame(image, index, captured_at, dropped)
        return None

    def _read(self) -> None:
        """Run in the reader's thread: open, read until told to close, release."""
        try:
            capture = self._open_capture()
        except SourceError as error:
            self._mailbox.fail(error)
            return
        try:
            while not self._closing.is_set():
                found, image = _read(capture, self._name)
                if found and image is not None:
                    self._mailbox.put((np.asarray(image, np.uint8), time.monotonic()))
                else:
                    self._closing.wait(_RETRY)
        except SourceLostError as error:
            self._mailbox.fail(error)
        finally:
            capture.release()


def _read(capture: Capture, name: str) -> tuple[bool, Image | None]:
    try:
        return capture.read()
    except cv2.error as error:
        raise SourceLostError(
            f"{name}: expected a frame, found that OpenCV can't read it ({error.err}); "
            "check the device, then start again"
        ) from error
