"""Sources that cannot wait: the newest frame wins, and what is lost is opened again.

A daemon thread opens and reads the device; the iteration never waits for it longer than 0.1 s.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, Self

from edge.errors import SourceError, SourceLostError
from edge.protocols import BaseSource
from edge.types import LOST, Frame, Image, Outage

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Before each attempt to open what was lost, seconds; the last one again and again."""
_TICK = 0.1
"""The longest wait of the iteration, and how far outages are apart, seconds."""
_RETRY = 0.01
"""Pause after a read that gave nothing, seconds."""
_JOIN, _JOIN_AT_EXIT = 0.2, 2.5
"""How long leaving the source, and the end of the process, wait for readers, seconds."""
_MOST_STUCK = 8
"""Readers that may be stuck at a time: where a driver hangs, a month must not fill the memory."""
_SOON = 1.0
"""An opening that takes longer than this is announced, seconds."""

log = logging.getLogger(__name__)


class Capture(Protocol):
    """An open device.

    ``fps`` is the rate that it promises, 0 where it does not say; ``format`` how it sends pictures
    ("MJPG"), for people.
    """

    fps: float
    format: str

    def read(self) -> Image | None:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; None where none came.

        Raises ``SourceLostError`` where none will come any more.
        """
        ...

    def release(self) -> None:
        """Close the device."""
        ...


class Reader(threading.Thread):
    """Opens and reads a device, and keeps its newest image."""

    def __init__(self, open_capture: Callable[[], Capture], name: str) -> None:
        """Name the device; ``open_capture`` raises ``SourceError`` where it cannot open it."""
        super().__init__(name=name, daemon=True)
        self.fps, self.format = 0.0, ""
        self._open_capture = open_capture
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._newest: Frame | None = None
        self._error: SourceError | None = None

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame that was not taken yet, None after ``timeout`` seconds.

        Raises ``SourceError`` where the device did not open, or gives nothing any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._error, timeout)
            newest, self._newest = self._newest, None
            if newest is None and self._error is not None:
                raise self._error
            return newest

    def close(self, wait: float = 0.0) -> None:
        """Release the device once its read returns; wait for that at most ``wait`` seconds."""
        self._closing.set()
        self.join(wait)

    def run(self) -> None:
        """Read until told to close."""
        try:
            capture = self._open_capture()
            self.fps, self.format = capture.fps, capture.format
            try:
                while not self._closing.is_set():
                    self._put(capture.read())
            finally:
                capture.release()
        except SourceError as error:
            with self._changed:
                self._error = error
                self._changed.notify()

    def _put(self, image: Image | None) -> None:
        if image is None:
            self._closing.wait(_RETRY)
            return
        now, wall_time = time.monotonic(), time.time()
        with self._changed:
            dropped = self._newest.dropped + 1 if self._newest else 0
            self._newest = Frame(
                *(image, 0, 0.0, self.name),
                live=True,
                dropped=dropped,
                captured_at=now,
                wall_time=wall_time,
            )
            self._changed.notify()


def unfinished_reads() -> bool:
    """Whether a reader of this process is still at work, perhaps inside a native call.

    Native code that comes back while Python is finalised may abort the process. A program that must
    not wait flushes its files and ends with ``os._exit`` then; the end of any other one waits.
    """
    return bool(_readers())


def _readers() -> list[Reader]:
    return [thread for thread in threading.enumerate() if isinstance(thread, Reader)]


def _finish_readers() -> None:
    """Wait at the end of the process: reads time out after about 2 s."""
    deadline = time.monotonic() + _JOIN_AT_EXIT
    readers = _readers()
    for reader in readers:
        reader.close()
    for reader in readers:
        reader.join(max(deadline - time.monotonic(), 0))


class LiveSource(BaseSource):
    """Frames of a device as they come; what comes while nobody asks is dropped and counted.

    ``open_capture`` opens the device and raises ``SourceError`` with advice. Where that happens at
    the first time, or no frame comes within ``open_within`` seconds, the iteration raises. Later,
    after ``lost_after`` seconds without a frame, the device is opened again after each of
    ``pauses``, until there is a frame. A reader that is stuck in a native call is abandoned.

    ``asked`` says what the device was asked for, ``notice`` what is logged where opening takes
    longer than a second; ``mute`` is the advice where no frame came at all, ``remedy`` where none
    comes any more.
    """

    live = True

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        name: str,
        asked: str = "",
        *,
        notice: str = "",
        mute: str = "is it a camera, and does another program use it?",
        remedy: str = "check its cable and power",
        open_within: float = 10.0,
        lost_after: float = LOST,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Name the device; nothing is opened yet."""
        self.name, self._asked, self._notice = name, asked, notice
        self._opening, self._reading = (open_within, mute), (lost_after, remedy)
        self._open_capture, self._pauses = open_capture, pauses
        self._reader = Reader(open_capture, name)
        self._stuck: list[Reader] = []
        self._granted = ""
        self._frames = 0
        self._first_at = self._newest_at = 0.0
        """When these frames were captured; before, when the source was opened."""

    @property
    def description(self) -> str:
        """The name, and what the device granted once there is a frame."""
        asked = f"; asked for {self._asked}" if self._asked else ""
        return f"{self.name} ({self._granted}{asked})" if self._granted else self.name

    def __enter__(self) -> Self:
        """Begin to open the device, without waiting for it."""
        self._first_at = self._newest_at = time.monotonic()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Tell the reader to release the device; it does so when its read returns."""
        self._reader.close(_JOIN)

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give the newest frame each time, or about every 0.1 s an outage.

        Raises ``SourceError`` where the device does not open at the first time, unless ``patient``.
        """
        reason, pauses = "", self._new_pauses()
        limit, advice = self._opening
        deadline = time.monotonic() + limit
        while True:
            try:
                frame = self._reader.take(_TICK)
                if frame is None and time.monotonic() >= deadline:
                    raise SourceLostError(
                        f"{self.name}: expected a frame within {limit:g} s, found none; {advice}"
                    )
            except SourceError as error:
                if self._frames == 0 and not self.patient:
                    raise
                reason = str(error)
                yield from self._reopen(reason, pauses)
                limit, advice = self._opening
                deadline = time.monotonic() + limit
                continue
            if frame is None:
                yield self._outage(reason)
            else:
                reason, pauses = "", self._new_pauses()
                limit, advice = self._reading
                deadline = time.monotonic() + limit
                yield self._numbered(frame)

    def _new_pauses(self) -> Iterator[float]:
        return itertools.chain(self._pauses, itertools.repeat(self._pauses[-1]))

    def _reopen(self, reason: str, pauses: Iterator[float]) -> Iterator[Outage]:
        """Give up the reader, pause, and begin to open the device again."""
        self._reader.close()
        self._stuck.append(self._reader)
        yield from self._pause(reason, next(pauses))
        while len(self._stuck) >= _MOST_STUCK:
            yield from self._pause(reason, next(pauses))
        self._reader = Reader(self._open_capture, self.name)
        self._start()

    def _pause(self, reason: str, seconds: float) -> Iterator[Outage]:
        due = time.monotonic() + seconds
        while (rest := due - time.monotonic()) > 0:
            yield self._outage(reason, rest)
            time.sleep(min(rest, _TICK))
        self._stuck = [reader for reader in self._stuck if reader.is_alive()]

    def _start(self) -> None:
        atexit.unregister(_finish_readers)  # once is enough
        atexit.register(_finish_readers)
        self._reader.start()

    def _numbered(self, frame: Frame) -> Frame:
        """Return ``frame`` with its index and its time; log what the device grants if it is new."""
        if self._frames == 0:
            self._first_at = frame.captured_at
        self._newest_at = frame.captured_at
        height, width = frame.image.shape[:2]
        self.fps = self._reader.fps
        fps = f"{self.fps:.4g} FPS" if self.fps else ""
        granted = ", ".join(filter(None, (f"{width}×{height}", fps, self._reader.format)))
        if granted != self._granted:
            self._granted = granted
            log.info("%s", self.description)
        self._frames += 1
        time = frame.captured_at - self._first_at
        return replace(frame, index=self._frames - 1, time=time, source=self.name)

    def _outage(self, reason: str, retry_in: float = 0.0) -> Outage:
        now = time.monotonic()
        if self._notice and self._frames == 0 and now - self._first_at > _SOON:
            log.info("%s: %s", self.name, self._notice)
            self._notice = ""
        elapsed = now - self._first_at if self._frames else 0.0
        return Outage(self.name, elapsed, now - self._newest_at, reason, retry_in)
