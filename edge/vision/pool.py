"""Parts that belong to one thread at a time, kept for the next one that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """As many parts as were in use at a time; ``open_one`` opens another one.

    Networks take megabytes, which the system does not get back at once when they are closed.
    """

    def __init__(self, open_one: Callable[[], T], *parts: T) -> None:
        """Open nothing yet; ``parts`` are open."""
        self._open_one = open_one
        self._free: deque[T] = deque(parts)

    @contextmanager
    def lend(self) -> Iterator[T]:
        """Yield a part that nobody else has meanwhile."""
        try:
            one = self._free.pop()
        except IndexError:
            one = self._open_one()
        try:
            yield one
        finally:
            self._free.append(one)
