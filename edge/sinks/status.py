"""One line of status a second, for runs without a window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from edge.frames import Frame, FrameResult

_EVERY = 1.0


class StatusLine:
    """Says at the first frame and then every second how fast it goes and what is seen.

    ``speed`` gives the momentary speed as text, ``say`` takes a line, ``clock`` gives seconds.
    """

    def __init__(
        self,
        speed: Callable[[], str],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the three."""
        self._speed, self._say, self._clock = speed, say, clock
        self._due = float("-inf")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Say the line if it's due."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + _EVERY
        seen = ", ".join(f"#{t.id} {t.emotion} {t.probabilities.max():.0%}" for t in result.tracks)
        self._say(f"frame {result.index} · {self._speed()} · {seen or 'no face'}")
