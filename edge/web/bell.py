"""Wakes coroutines from another thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress


class Bell:
    """Rung by any thread, heard in one event loop; to ring it costs nothing while nobody hears."""

    def __init__(self) -> None:
        """Belong to no event loop yet."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._rung = False

    def ring(self) -> None:
        """Wake all who wait."""
        loop = self._loop
        if loop is not None and not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung, self._loop = False, None
        self._event.set()
        self._event = asyncio.Event()

    async def rings(self, longest: float) -> AsyncIterator[None]:
        """Yield at once, and then at every ring, at the latest after ``longest`` seconds.

        What was rung for while the reader was busy is told at once.
        """
        while True:
            # Taken before the reader looks at what is new, so that no ring falls in between.
            event, self._loop = self._event, asyncio.get_running_loop()
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await event.wait()
