"""A source that can't wait: the newest frame wins, and what is lost is opened again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Self

from edge.errors import SourceError, SourceLostError
from edge.frames import Frame, Outage
from edge.sources.reader import Capture, Reader

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Before each attempt to open what was lost, seconds; the last one again and again."""
_SLICE = 0.05
"""How long one wait lasts before the wish to stop is looked at, seconds."""
_TICK = 0.1
"""How far outages are apart, seconds."""
_JOIN = 0.2
"""How long the end waits for the reader, seconds: it may be stuck in a read for much longer."""
_MOST_STUCK = 8
"""Readers that may be stuck at a time: where a driver hangs, a month must not fill the memory."""
_FPS = 30.0
"""Where a device doesn't say."""


class LiveSource:
    """Frames of a device as they come; what comes while nobody asks is dropped and counted.

    ``open_capture`` opens the device and raises ``SourceError`` with advice; where that happens at
    the first time, or no frame comes within ``open_within`` seconds, entering fails, unless it is
    ``patient``: then the device counts as lost from the beginning. Later it is lost after
    ``lost_after`` seconds without a frame: then the iteration gives outages and the device is
    opened again after each of ``pauses``, until there is a frame. A reader that is stuck is
    abandoned. ``stop`` is asked while waiting; ``asked`` says what the device was asked for, and
    ``say`` takes what it granted, after each opening that changed that; ``remedy`` is the advice
    where no frame comes any more, ``mute`` that where none came at all. ``clock`` gives monotonic
    seconds, ``sleep`` lets some pass.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        name: str,
        stop: Callable[[], bool],
        asked: str = "",
        say: Callable[[str], None] = lambda _: None,
        *,
        remedy: str = "check its cable and power",
        mute: str = "is it a camera, and does another program use it?",
        patient: bool = False,
        lost_after: float = 1.8,
        open_within: float = 10.0,
        pauses: Sequence[float] = PAUSES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name the device; nothing is opened yet."""
        self.fps = _FPS
        self.description = self._name = name
        self.state = f"{name} live"
        self._open_capture, self._stop, self._asked, self._say = open_capture, stop, asked, say
        self._remedy, self._mute = remedy, mute
        self._patient, self._lost_after, self._open_within = patient, lost_after, open_within
        self._pauses, self._clock, self._sleep = pauses, clock, sleep
        self._reader = Reader(open_capture, name)
        self._abandoned: set[Reader] = set()
        self._first: Frame | None = None
        self._entered_at = 0.0
        self._missing = ""
        """Why there is no first frame, empty where there is one or the wish to stop came before."""

    def __enter__(self) -> Self:
        """Open the device and wait for its first frame; raises ``SourceError``."""
        self._entered_at = self._clock()
        try:
            self._first = self._open()
        except SourceError as error:
            if not self._patient:
                raise
            self._missing = str(error)
        return self

    def _open(self) -> Frame | None:
        """Open the device for the first time; None at the wish to stop, raises ``SourceError``."""
        self._reader.start()
        frame = self._next(0, self._open_within)
        if frame is not None:
            self._granted(frame)
        elif not self._stop():
            self._reader.close()
            raise self._silent()
        return frame

    def _granted(self, frame: Frame) -> None:
        """Note what the device grants, now that it is open and ``frame`` is its first one."""
        self.fps = self._reader.fps or _FPS
        before, self.description = self.description, self._described(frame)
        if self.description != before:
            self._say(self.description)

    def __exit__(self, *_: object) -> None:
        """Tell the reader to release the device; it does so when its read returns."""
        self._reader.close(_JOIN)

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give the newest frame each time, and outages while the device is lost."""
        frame = self._first
        if self._missing:
            frame = yield from self._regain(0, self._entered_at, self._missing)
        while frame is not None:
            yield frame
            frame = yield from self._after(frame)

    def _after(self, last: Frame) -> Generator[Outage, None, Frame | None]:
        """Give the outages until the next frame, which is returned; None at the wish to stop."""
        try:
            frame = self._next(last.index + 1, self._lost_after)
        except SourceError as error:
            reason = str(error)
        else:
            if frame is not None or self._stop():
                return frame
            reason = str(self._lost())
        return (yield from self._regain(last.index + 1, last.captured_at, reason))

    def _next(self, index: int, timeout: float) -> Frame | None:
        """Wait for a frame in slices; None after ``timeout`` seconds or at the wish to stop."""
        deadline = self._clock() + timeout
        while not self._stop():
            frame = self._reader.take(index, _SLICE)
            if frame is not None or self._clock() >= deadline:
                return frame
        return None

    def _regain(
        self, index: int, since: float, reason: str
    ) -> Generator[Outage, None, Frame | None]:
        """Open the device again and again, until it gives frame ``index``."""
        pauses = itertools.chain(self._pauses, itertools.repeat(self._pauses[-1]))
        while not self._stop():
            self._reader.close()
            self._abandoned = {r for r in (*self._abandoned, self._reader) if r.alive}
            yield from self._pause(since, reason, next(pauses))
            try:
                frame = yield from self._reopen(index, since, reason)
            except SourceError as error:
                reason = str(error)
            else:
                if frame is not None:
                    self._granted(frame)
                    return frame
        return None

    def _pause(self, since: float, reason: str, seconds: float) -> Iterator[Outage]:
        due = self._clock() + seconds
        while not self._stop() and (rest := due - self._clock()) > 0:
            yield Outage(self._clock(), since, reason, rest)
            self._sleep(min(rest, _TICK))

    def _reopen(
        self, index: int, since: float, reason: str
    ) -> Generator[Outage, None, Frame | None]:
        """Open the device once; raises ``SourceError`` where that gives no frame."""
        if len(self._abandoned) >= _MOST_STUCK:
            return None
        self._reader = Reader(self._open_capture, self._name)
        self._reader.start()
        deadline = self._clock() + self._open_within
        while not self._stop():
            yield Outage(self._clock(), since, reason, 0.0)
            frame = self._reader.take(index, _TICK)
            if frame is not None:
                return frame
            if self._clock() >= deadline:
                raise self._silent()
        return None

    def _described(self, frame: Frame) -> str:
        height, width = frame.image.shape[:2]
        fps = f"{self._reader.fps:.4g} FPS" if self._reader.fps else ""
        granted = ", ".join(filter(None, (f"{width}×{height}", fps, self._reader.format)))
        asked = f"; asked for {self._asked}" if self._asked else ""
        return f"{self._name} ({granted}{asked})"

    def _silent(self) -> SourceError:
        return SourceError(
            f"{self._name}: expected a frame within {self._open_within:g} s, found none; "
            f"{self._mute}"
        )

    def _lost(self) -> SourceError:
        return SourceLostError(
            f"{self._name}: expected frames, found none for {self._lost_after:g} s; {self._remedy}"
        )
