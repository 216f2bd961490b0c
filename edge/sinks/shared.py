"""Sinks made of sinks: one that may fail alone, and one that draws once for several."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any, Self

from edge.errors import ReaderLeftError, SinkError
from edge.events import Event
from edge.protocols import BaseSink, Sink
from edge.types import Frame, FrameResult, Outage
from edge.vision.overlay import check_opencv
from edge.vision.painter import Painter

log = logging.getLogger(__name__)

_PAUSE, _LONGEST_PAUSE = 10.0, 320.0
"""Seconds after which what failed is tried again; twice as many each time, up to the second."""
_RECORDED = 5.0
"""Seconds of an outage that are worth their place on a disk."""


class Guarded(BaseSink):
    """``inner`` until it fails: that is logged, once, and closes it, and the run goes on.

    ``again`` makes another one, which is tried after ten seconds and then ever more seldom: a full
    disk gets room again. That is logged once it is written. What cannot be opened at first still
    raises. ``exit_code`` is that of the error, 0 where there was none. Where only a reader has
    left, that is no error: ``left`` is called.
    """

    def __init__(
        self,
        inner: Sink,
        left: Callable[[], None] = lambda: None,
        again: Callable[[], Sink] | None = None,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap ``inner``, which is opened and closed along.

        ``name`` is for the message that it is written again, ``clock`` gives seconds.
        """
        self.exit_code = 0
        self._inner, self._left = inner, left
        self._again, self._name, self._clock = again, name, clock
        self._over, self._failed = False, False
        self._pause, self._due = _PAUSE, 0.0

    def __enter__(self) -> Self:
        """Open ``inner``; raises ``SinkError``."""
        self._inner.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        """Close ``inner``, unless it has failed and is closed."""
        if not self._over:
            self._try(lambda inner: inner.__exit__(*problem))

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Pass one result on."""
        self._try(lambda inner: inner.write(frame, result))

    def lost(self, outage: Outage) -> None:
        """Pass one outage on."""
        self._try(lambda inner: inner.lost(outage))

    def notice(self, event: Event) -> None:
        """Pass one event on."""
        self._try(lambda inner: inner.notice(event))

    def _try(self, call: Callable[[Sink], None]) -> None:
        if self._over and not self._opens_again():
            return
        try:
            call(self._inner)
        except SinkError as error:
            self._over, self._due = True, self._clock() + self._pause
            if isinstance(error, ReaderLeftError):
                self._again = None
                self._left()
            elif not self._failed:
                self._failed, self.exit_code = True, error.exit_code
                log.error("%s", error)  # noqa: TRY400 - people get one line, no traceback
            with suppress(SinkError):  # the same fault again
                self._inner.__exit__(type(error), error, error.__traceback__)
        else:
            if self._failed:
                self._failed, self._pause = False, _PAUSE
                log.info("%s: written again", self._name)

    def _opens_again(self) -> bool:
        if self._again is None or self._clock() < self._due:
            return False
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._due = self._clock() + self._pause
        inner = self._again()
        try:
            inner.__enter__()
        except SinkError:
            return False
        self._inner, self._over = inner, False
        return True


class Drawn(BaseSink):
    """Draws each result once, for ``views``, which somebody watches, and for ``recordings``.

    An outage is a picture too: dark, of the last frame's size, with the reason in it. Recordings
    get it for the first seconds and are told of the rest, so that a night without a camera does not
    fill the disk. ``painter`` makes what draws the frames of one source; ``status`` gives the text
    for the corner.
    """

    def __init__(
        self,
        views: Sequence[Sink] = (),
        recordings: Sequence[Sink] = (),
        status: Callable[[], str] = lambda: "",
        painter: Callable[[], Painter] = Painter,
    ) -> None:
        """Wrap the sinks, which are opened and closed along."""
        self._views, self._all = tuple(views), (*views, *recordings)
        self._status, self._new_painter = status, painter
        self._stack = ExitStack()
        self._painters: dict[str, Painter] = {}
        self._last: dict[str, Frame] = {}

    def __enter__(self) -> Self:
        """Open every sink; raises ``SinkError``, also where OpenCV cannot draw."""
        check_opencv()
        with ExitStack() as opened:
            for sink in self._all:
                opened.enter_context(sink)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close every sink; raises ``SinkError``."""
        self._stack.__exit__(*problem)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and pass on; raises ``SinkError``."""
        if not frame.live:  # they follow one another
            self._painters = {name: p for name, p in self._painters.items() if name == frame.source}
        else:
            self._last[frame.source] = frame
        status = "" if frame.still else self._status()  # a photograph has no speed
        image = self._painter(frame.source).paint(frame, result, status)
        for sink in self._all:
            sink.write(replace(frame, image=image), result)

    def lost(self, outage: Outage) -> None:
        """Draw that there is no picture, where that is to be seen, and pass that on."""
        shown: tuple[Sink, ...] = ()
        last = self._last.get(outage.source)
        if outage.is_shown:
            shown = self._all if last and outage.age <= _RECORDED else self._views
        if shown:
            image = self._painter(outage.source).outage(outage)
            last = last or Frame(image, 0, 0.0, outage.source, live=True)
            dark = replace(last, image=image, time=outage.time, dropped=0, audio=())
            for sink in shown:
                sink.write(dark, FrameResult(dark.source, dark.index, dark.time, ()))
        for sink in self._all[len(shown) :]:  # views come first
            sink.lost(outage)

    def notice(self, event: Event) -> None:
        """Pass one event on."""
        for sink in self._all:
            sink.notice(event)

    def _painter(self, source: str) -> Painter:
        if source not in self._painters:
            self._painters[source] = self._new_painter()
        return self._painters[source]
