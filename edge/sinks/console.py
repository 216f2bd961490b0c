"""What a run prints: each photograph's faces and, without a window, a line of status a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from edge.errors import SinkError
from edge.protocols import BaseSink
from edge.text import say
from edge.types import FaceResult, Frame, FrameResult, Outage
from edge.vision.overlay import caption


class StatusLine(BaseSink):
    """Prints the faces of each photograph, and of anything else once a second what is seen.

    ``speed`` gives the speed of the moment as text. ``stop`` is called when nobody reads the lines
    any more; None where somebody else takes the results, so that the run goes on. ``every`` is
    seconds, infinite where a window shows the rest.
    """

    def __init__(
        self,
        speed: Callable[[], str],
        stop: Callable[[], None] | None = None,
        show: Callable[[str], None] = say,
        every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``show`` takes a line; by default standard output does."""
        self._speed, self._stop, self._clock = speed, stop, clock
        self._show, self._every = show, every
        self._due = math.inf if every == math.inf else -math.inf

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Print the line if it is due; raises ``SinkError``."""
        if frame.still:
            self._print(*_photograph(result))
        elif self._clock() >= self._due:
            faces = ", ".join(
                f"#{face.track_id or n} {caption(face.shown)}"
                for n, face in enumerate(sorted(result.faces, key=_number), 1)
            )
            self._print(f"{frame.source} · {self._speed()} · {faces or 'no face'}")

    def lost(self, outage: Outage) -> None:
        """Print that there is no picture, and why, if a line is due; raises ``SinkError``."""
        if outage.is_shown and self._clock() >= self._due:
            self._print(" · ".join(filter(None, (outage.source, outage.state, outage.reason))))

    def _print(self, *lines: str) -> None:
        self._due = self._clock() + self._every
        try:
            for line in lines:
                self._show(line)
        except BrokenPipeError:
            if self._stop:
                self._stop()
        except OSError as error:
            raise SinkError(
                f"status: expected to print it, found: {error.strerror}; the run goes on without"
            ) from error


def _photograph(result: FrameResult) -> Iterator[str]:
    """Lines with label, score and box (left, top, width, height in pixels) of each face."""
    count = len(result.faces)
    yield f"{result.source} · {count or 'no'} face{'s' * (count > 1)}"
    for face in result.faces:
        box, mark = face.box, "" if face.certain else "?"
        place = f"{box.left:.0f},{box.top:.0f} {box.width:.0f}×{box.height:.0f}"
        yield f"  {face.label}{mark} {face.score:.0%} at {place}"


def _number(face: FaceResult) -> int:
    return face.track_id or 0
