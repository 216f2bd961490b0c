"""Hands the newest item from one thread to another."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One slot: a new item replaces one that nobody took, and the loss is counted."""

    def __init__(self) -> None:
        """Start empty."""
        self._changed = threading.Condition()
        self._item: T | None = None
        self._dropped = 0
        self._error: Exception | None = None

    def put(self, item: T) -> None:
        """Offer ``item``; never waits."""
        with self._changed:
            if self._item is not None:
                self._dropped += 1
            self._item = item
            self._changed.notify()

    def fail(self, error: Exception) -> None:
        """Tell the taker that nothing more will come, and why."""
        with self._changed:
            self._error = error
            self._changed.notify()

    def take(self, timeout: float) -> tuple[T, int] | None:
        """Return the newest item and how many were dropped since the last one that was taken.

        Waits for at most ``timeout`` seconds, then returns None. Raises what ``fail`` was given.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._error, timeout)
            if self._item is not None:
                item, dropped = self._item, self._dropped
                self._item, self._dropped = None, 0
                return item, dropped
            if self._error is not None:
                raise self._error
            return None
