"""One line of status a second, for runs without a window."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.errors import SinkError
from edge.sinks.shared import is_shown
from edge.types import BaseSink, FaceResult, Frame, FrameResult, Outage
from edge.vision.overlay import caption

_EVERY = 1.0


def _print_line(line: str) -> None:
    print(line, flush=True)


class StatusLine(BaseSink):
    """Prints at the first frame and then every second how fast it goes and what is seen.

    ``speed`` gives the speed of the moment as text. ``stop`` is called when nobody reads the lines
    any more; None where somebody else takes the results, so that the run goes on.
    """

    def __init__(
        self,
        speed: Callable[[], str],
        stop: Callable[[], None] | None = None,
        show: Callable[[str], None] = _print_line,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``show`` takes a line; by default standard output does."""
        self._speed, self._stop, self._clock = speed, stop, clock
        self._show = show
        self._due = float("-inf")

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Print the line if it is due; raises ``SinkError``."""
        if self._clock() >= self._due:
            faces = ", ".join(
                f"#{face.track_id or n} {caption(face.shown)}"
                for n, face in enumerate(sorted(result.faces, key=_number), 1)
            )
            self._print(f"{frame.source} · {self._speed()} · {faces or 'no face'}")

    def lost(self, outage: Outage) -> None:
        """Print that there is no picture, and why, if a line is due; raises ``SinkError``."""
        if is_shown(outage) and self._clock() >= self._due:
            self._print(" · ".join(filter(None, (outage.source, outage.state, outage.reason))))

    def _print(self, line: str) -> None:
        self._due = self._clock() + _EVERY
        try:
            self._show(line)
        except BrokenPipeError:
            if self._stop:
                self._stop()
        except OSError as error:
            raise SinkError(
                f"status: expected to print it, found: {error.strerror}; the run goes on without"
            ) from error


def _number(face: FaceResult) -> int:
    return face.track_id or 0
