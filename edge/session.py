"""One run from its first settings to its end, through every change of settings on the way.

Between two changes lies a stretch: a source, a pipeline and sinks, opened and closed together. The
new settings are read and their parts built while the old ones still run, so that settings that
can't work change nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from edge import loop
from edge.errors import EdgeError
from edge.frames import Frame, FrameResult, Outage
from edge.loop import Stop
from edge.notify import Heartbeat, Manager
from edge.settings import Settings

if TYPE_CHECKING:
    from edge.assembly import Run

Assemble = Callable[[Settings, Stop], "Run"]
"""Builds the parts of a stretch; raises ``EdgeError``."""


class Wish:
    """A wish that a signal handler may utter, and that is fulfilled once."""

    def __init__(self) -> None:
        """Start without it."""
        self._wished = False

    def set(self) -> None:
        """Utter it."""
        self._wished = True

    def take(self) -> bool:
        """Return whether it was uttered since it was last taken."""
        if not self._wished:
            return False
        self._wished = False  # one that is uttered right before this is fulfilled along
        return True


class StretchStop(Stop):
    """The wish to end one stretch; the wish to end the whole run is one too."""

    def __init__(self, whole: Stop) -> None:
        """Belong to the run that ``whole`` ends."""
        super().__init__()
        self._whole = whole

    def is_set(self) -> bool:
        """Whether to end the stretch."""
        return super().is_set() or self._whole.is_set()


@dataclass(frozen=True)
class Stretch:
    """Settings, the parts that they ask for (none of them open), and what ends them."""

    settings: Settings
    parts: Run
    stop: Stop


class Reload:
    """A sink that, when it is wished for, builds the ``next`` stretch and ends this one.

    Between two frames, or while the source is lost. ``build`` raises ``EdgeError`` where the new
    settings can't work: that goes to ``refuse``, and this stretch goes on.
    """

    def __init__(
        self,
        wish: Wish,
        build: Callable[[], Stretch],
        stop: Stop,
        manager: Manager,
        refuse: Callable[[EdgeError], None],
    ) -> None:
        """Wait for ``wish``; ``stop`` ends this stretch, ``manager`` is told."""
        self.next: Stretch | None = None
        self._wish, self._build, self._stop = wish, build, stop
        self._manager, self._refuse = manager, refuse

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Look whether it is wished for."""
        self._look()

    def lost(self, outage: Outage) -> None:
        """Look whether it is wished for."""
        self._look()

    def _look(self) -> None:
        if self._stop.is_set() or not self._wish.take():
            return
        self._manager.reloading()
        try:
            self.next = self._build()
        except EdgeError as error:
            self._refuse(error)
            self._manager.tell("READY=1")
        else:
            self._stop.set()


class Session:
    """Runs stretch after stretch.

    ``reread`` gives the settings anew and raises ``EdgeError``. ``report`` takes an error that ends
    only a part of the run, ``refuse`` why new settings are not taken, ``finished`` every stretch
    that has ended. ``stop`` ends the run, ``reload`` is the wish for new settings: both are for
    signal handlers.
    """

    def __init__(
        self,
        assemble: Assemble,
        reread: Callable[[], Settings],
        manager: Manager,
        report: Callable[[EdgeError], None],
        refuse: Callable[[EdgeError], None],
        finished: Callable[[Stretch], None],
    ) -> None:
        """Keep the seams; nothing is built yet."""
        self.stop, self.reload = Stop(), Wish()
        self._assemble, self._reread, self._manager = assemble, reread, manager
        self._report, self._refuse, self._finished = report, refuse, finished

    def build(self, settings: Settings) -> Stretch:
        """Build the parts of a stretch; raises ``EdgeError``."""
        stop = StretchStop(self.stop)
        return Stretch(settings, self._assemble(settings, stop), stop)

    def run(self, first: Stretch) -> None:
        """Run ``first`` and what follows it; raises ``EdgeError`` where a stretch can't open."""
        stretch: Stretch | None = first
        while stretch is not None:
            following = self._play(stretch)
            self._finished(stretch)
            stretch = following

    def _play(self, stretch: Stretch) -> Stretch | None:
        """Run one stretch to its end and return the one that follows."""
        parts, stop = stretch.parts, stretch.stop
        reload = Reload(
            self.reload, lambda: self.build(self._reread()), stop, self._manager, self._refuse
        )
        sinks = (*parts.sinks, Heartbeat(self._manager), reload)
        loop.run(parts.source, parts.pipeline, sinks, stop, self._report)
        return None if self.stop.is_set() else reload.next
