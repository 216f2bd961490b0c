"""One line of status a second, for runs without a window."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Self

from edge.errors import SinkError
from edge.frames import Frame, FrameResult, Outage

_EVERY = 1.0


class StatusLine:
    """Says at the first frame and then every second how fast it goes and what is seen.

    ``labels`` are the classifier's, ``speed`` gives the momentary speed as text, ``say`` takes a
    line, ``clock`` gives seconds. ``stop`` is called when nobody reads the lines any more; None
    where somebody else takes the results, so that the run goes on.
    """

    def __init__(
        self,
        labels: Sequence[str],
        speed: Callable[[], str],
        say: Callable[[str], None],
        stop: Callable[[], None] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the five."""
        self._labels = labels
        self._speed, self._say, self._stop, self._clock = speed, say, stop, clock
        self._due = float("-inf")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Say the line if it's due; raises ``SinkError``."""
        if self._is_due():
            seen = ", ".join(
                f"#{t.id} {t.emotion} {t.confidence(self._labels):.0%}" for t in result.tracks
            )
            self._print(f"frame {result.index} · {self._speed()} · {seen or 'no face'}")

    def lost(self, outage: Outage) -> None:
        """Say that there is no picture, and why, if a line is due; raises ``SinkError``."""
        if self._is_due():
            self._print(f"{outage.state} · {outage.reason}")

    def _is_due(self) -> bool:
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + _EVERY
        return True

    def _print(self, line: str) -> None:
        try:
            self._say(line)
        except BrokenPipeError as error:
            if self._stop is None:
                raise SinkError(
                    "status: expected a reader of standard output, found that it has left; the run "
                    "goes on without it"
                ) from error
            self._stop()
        except OSError as error:
            raise SinkError(
                f"status: expected to print it, found: {error.strerror}; the run goes on without"
            ) from error
