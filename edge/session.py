"""One run from its first settings to its end, through every change of settings on the way.

Between two changes lies a stretch: a source, a pipeline and sinks, opened and closed together. The
new settings are read and their parts built while the old ones still run, so that settings that
can't work change nothing. What can only be seen once the old ones are closed sends the run back to
them. Only a camera or a stream goes on with new settings: a file would begin anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from edge import loop
from edge.errors import EdgeError, SettingsError, SinkError
from edge.frames import Frame, FrameResult, Outage
from edge.last_words import LastWords
from edge.loop import Stop
from edge.notify import Heartbeat, Manager
from edge.settings import Settings

if TYPE_CHECKING:
    from edge.assembly import Run

Assemble = Callable[[Settings, Stop, str], "Run"]
"""Builds the parts of a stretch; raises ``EdgeError``. The name is that of the source before."""


class Wish:
    """A wish that a signal handler may utter, and that is fulfilled once."""

    def __init__(self) -> None:
        """Start without it."""
        self._wished = False

    def set(self, *_: object) -> None:
        """Utter it; takes and ignores what a signal handler is given."""
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
    settings can't work: that goes to ``refuse``, and this stretch goes on. To be the last sink:
    when it is ``opened``, all is.
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
        self.opened = False
        self._wish, self._build, self._stop = wish, build, stop
        self._manager, self._refuse = manager, refuse

    def __enter__(self) -> Self:
        """Note that all is open."""
        self.opened = True
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Look whether it is wished for."""
        if self._is_due():
            self._reload() if frame.live else self._refuse(_begins_anew())

    def lost(self, outage: Outage) -> None:
        """Look whether it is wished for."""
        if self._is_due():
            self._reload()

    def _is_due(self) -> bool:
        return not self._stop.is_set() and self._wish.take()

    def _reload(self) -> None:
        self._manager.reloading()
        try:
            self.next = self._build()
        except EdgeError as error:
            if not self._stop.is_set():  # that may be all that is wrong
                self._refuse(error)
        else:
            self._stop.set()


class Session:
    """Runs stretch after stretch.

    ``reread`` gives the settings anew, in the place of those that it is given, and raises
    ``EdgeError``. ``report`` takes an error that ends only a part of the run, ``refuse`` why new
    settings are not taken, ``finished`` every stretch that has ended, and whether no wish ended it.
    ``leave`` is called last
    where a library ends the process, and gives the exit code. ``stop`` ends the run, ``reload`` is
    the wish for new settings: both are for signal handlers.
    """

    def __init__(
        self,
        assemble: Assemble,
        reread: Callable[[Settings], Settings],
        manager: Manager,
        report: Callable[[EdgeError], None],
        refuse: Callable[[EdgeError], None],
        finished: Callable[[Stretch, bool], None],
        leave: Callable[[], int] = lambda: EdgeError.exit_code,
    ) -> None:
        """Keep the seams; nothing is built yet."""
        self.stop, self.reload = Stop(), Wish()
        self._assemble, self._reread, self._manager = assemble, reread, manager
        self._report, self._refuse, self._finished = report, refuse, finished
        self._leave = leave
        self._next: Stretch | None = None
        self._before: Settings | None = None
        self._had = 0
        """Frames of the stretches that have ended."""

    def prepare(self, settings: Settings) -> None:
        """Build the parts of the first stretch; raises ``EdgeError``, unless the run is to end."""
        try:
            self._next = self._build(settings)
        except EdgeError:
            if not self.stop.is_set():  # that may be all that is wrong
                raise

    def run(self) -> None:
        """Run what is prepared and what follows it.

        Raises ``EdgeError`` where the first stretch can't open, or neither new settings nor the old
        ones can.
        """
        while self._next is not None and not self.stop.is_set():
            self._play()

    def _play(self) -> None:
        """Run the next stretch to its end; only this call keeps its parts, which are freed then."""
        stretch, self._next = self._next, None
        assert stretch is not None, "run has looked"
        before, self._before = self._before, None
        parts, stop = stretch.parts, stretch.stop
        reload = Reload(
            self.reload, lambda: self._following(stretch), stop, self._manager, self._refuse
        )
        sinks = (*parts.sinks, Heartbeat(self._manager), *self._last_words(stretch), reload)
        try:
            by_itself = loop.run(parts.source, parts.pipeline, sinks, stop, self._report)
        except EdgeError as error:
            if reload.opened:
                raise
            self._next = self._instead(before, error)
            return
        self._finished(stretch, by_itself)
        self._had += parts.stats.frames
        self._before, self._next = stretch.settings, reload.next

    def _last_words(self, stretch: Stretch) -> Sequence[LastWords]:
        """For where a window may be open, whose library ends the process without a display."""
        if stretch.settings.display == "off":
            return ()
        return (LastWords(partial(self._abandon, stretch)),)

    def _abandon(self, stretch: Stretch) -> int:
        """Close and sum up ``stretch`` in the place of ``run``, within which the process ends."""
        self._report(
            SinkError(
                "window: expected a display, found that it is gone; what was recorded is kept, "
                "start again where there is one, or with '--display off'"
            )
        )
        parts = stretch.parts
        with ExitStack() as stack:
            stack.push(parts.source.__exit__)
            for sink in parts.sinks:
                stack.push(sink.__exit__)
        self._finished(stretch, True)
        return self._leave()

    def _following(self, stretch: Stretch) -> Stretch:
        """Build what the new settings ask for, while ``stretch`` runs; raises ``EdgeError``."""
        settings = self._reread(stretch.settings)
        had = self._had + stretch.parts.stats.frames
        return self._build(settings, stretch.settings.source, had)

    def _instead(self, before: Settings | None, error: EdgeError) -> Stretch | None:
        """Build again what ran ``before``, in the place of what didn't open for ``error``.

        Raises ``EdgeError`` where nothing did, or it can't be built any more.
        """
        if self.stop.is_set():
            return None
        if before is None:
            raise error
        self._refuse(error)
        return self._build(before, before.source, self._had)

    def _build(self, settings: Settings, before: str = "", had: int = 0) -> Stretch:
        """Build a stretch: ``before`` names the source, ``had`` counts the frames before it."""
        stop = StretchStop(self.stop)
        return Stretch(settings, self._assemble(_left(settings, had), stop, before), stop)


def _left(settings: Settings, had: int) -> Settings:
    """``settings`` with the frames that are left once the run has ``had`` some.

    Raises ``SettingsError`` where none are.
    """
    if not settings.frames:
        return settings
    if settings.frames <= had:
        raise SettingsError(
            f"frames: expected more than the {had} that this run has had, found {settings.frames}; "
            "give more, or 0 for no limit"
        )
    return replace(settings, frames=settings.frames - had)


def _begins_anew() -> SettingsError:
    return SettingsError(
        "source: expected a camera or a stream that goes on with them, found one that would begin "
        "anew; end the run and start it again"
    )
