"""Looks at the next frames of a file while this one is still in work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue

from edge.errors import EdgeError
from edge.frames import Image
from edge.pipeline import Look, Sight


class Ahead:
    """A look that has ``size`` threads for images that are announced before their turn.

    Interpreters run without Python's lock, so that a file goes through so many cores at a time.
    ``look`` is for images that are not announced; ``open_look`` opens those for the others, by
    their number, once an image is announced. ``look`` is never in use while one of these is, so
    that it may share parts with one. The times of a sight are those that its look took.
    """

    def __init__(self, look: Look, open_look: Callable[[int], Look], size: int) -> None:
        """Keep the parts; nothing is opened yet."""
        self._look, self._open, self._size = look, open_look, size
        self._threads = ThreadPoolExecutor(size, "look")
        self._idle: SimpleQueue[Look] = SimpleQueue()
        self._begun: deque[tuple[Image, Future[Sight]]] = deque()
        self._opened = 0

    def announce(self, image: Image) -> None:
        """Begin with ``image`` (``uint8[H, W, 3]`` BGR), which must stay as it is till then.

        Where no more can be opened, fewer do the same; raises what opening the first one raises.
        """
        while self._opened < self._size:
            try:
                self._idle.put(self._open(self._opened))
            except (EdgeError, OSError):
                if not self._opened:
                    raise
                self._size = self._opened
            else:
                self._opened += 1
        self._begun.append((image, self._threads.submit(self._with_an_idle_one, image)))

    def __call__(self, image: Image) -> Sight:
        """Return what ``image`` shows; raises what the look raises.

        Images come in the order in which they were announced.
        """
        while self._begun:
            begun, sight = self._begun.popleft()
            wait([sight])
            if begun is image:
                return sight.result()
        return self._look(image)

    def _with_an_idle_one(self, image: Image) -> Sight:
        look = self._idle.get()
        try:
            return look(image)
        finally:
            self._idle.put(look)
