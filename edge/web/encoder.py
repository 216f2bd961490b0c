"""Makes the pictures of the page: drawn and encoded once a frame, while somebody looks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from edge.types import Image
from edge.vision.jpeg import encode
from edge.vision.painter import Painter
from edge.web.bell import Bell
from edge.web.board import Board, Channel, Moment


class Key(NamedTuple):
    """Which picture: of which source, and whether its faces are hidden."""

    source: str
    hidden: bool


class Picture(NamedTuple):
    """An encoded ``moment`` of a source; ``since`` is when it was captured."""

    number: int
    jpeg: bytes
    since: float


class _Brush(NamedTuple):
    """What draws the frames of ``source``; ``painted`` is the index of the newest one."""

    source: str
    painter: Painter
    painted: int


class Encoder:
    """A thread that draws what ``board`` has, each ``Key`` once, however many look at it.

    ``painters`` make what draws the frames of one source: as the run was started, and with hidden
    faces.
    """

    def __init__(
        self, board: Board, painter: Callable[[], Painter], hiding: Callable[[], Painter]
    ) -> None:
        """Start nothing yet."""
        self.bell = Bell()
        self._board = board
        self._new = {False: painter, True: hiding}
        self._painters: dict[Key, _Brush] = {}
        self._pictures: dict[Key, Picture] = {}
        self._watched: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._fresh = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="web encoder", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the picture that it works on."""
        self._ending = True
        self._fresh.set()
        self._thread.join()
        self.bell.ring()

    def wake(self) -> None:
        """Say that the board has something new: cheap, and free while nobody looks."""
        if self._watched:
            self._fresh.set()

    @contextmanager
    def watching(self, key: Key) -> Iterator[None]:
        """Have the pictures of ``key`` made inside the block."""
        with self._lock:
            self._watched[key] += 1
        self._fresh.set()
        try:
            yield
        finally:
            with self._lock:
                self._watched[key] -= 1
                if not self._watched[key]:
                    del self._watched[key]
                    self._pictures.pop(key, None)

    def newest(self, key: Key) -> Picture | None:
        """Return the newest picture, None before the first."""
        return self._pictures.get(key)

    def _work(self) -> None:
        while True:
            self._fresh.wait()
            self._fresh.clear()
            if self._ending:
                return
            with self._lock:
                keys = tuple(self._watched)
                self._painters = {k: v for k, v in self._painters.items() if k in keys}
            for key in keys:
                self._make(key)

    def _make(self, key: Key) -> None:
        channel, before = self._board.find(key.source), self._pictures.get(key)
        moment = channel.moment if channel else None
        if channel is None or moment is None or (before and before.number == moment.number):
            return
        image = self._draw(key, channel, moment)
        if image is None:
            return
        jpeg = encode(image)
        with self._lock:
            if key in self._watched:
                self._pictures[key] = Picture(moment.number, jpeg, moment.since)
        self.bell.ring()

    def _draw(self, key: Key, channel: Channel, moment: Moment) -> Image | None:
        """Draw with the painter of this source; the next file gets a new one."""
        before = self._painters.get(key)
        if before is None or before.source != channel.title:
            before = _Brush(channel.title, self._new[key.hidden](), -1)
        self._painters[key] = before
        if moment.outage is not None:
            return before.painter.outage(moment.outage)
        if moment.shown is None:
            return None
        frame, result = moment.shown
        for skipped in tuple(channel.recent):
            if skipped.source == frame.source and before.painted < skipped.index < frame.index:
                before.painter.skip(skipped)
        self._painters[key] = before._replace(painted=frame.index)
        return before.painter.paint(frame, result)
