"""Sinks made of sinks: one that may fail alone, and one that draws once for several."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any, Self

import numpy as np

from edge.errors import SinkError
from edge.types import BaseSink, Frame, FrameResult, Outage, Sink
from edge.vision.overlay import annotate, check_opencv, draw_outage
from edge.vision.placement import Placement

log = logging.getLogger(__name__)

_NOTICED = 1.8
"""Seconds that a source may wait for its next frame before that is shown."""
_RECORDED = 5.0
"""Seconds of an outage that are worth their place on a disk."""


def is_shown(outage: Outage) -> bool:
    """Whether to tell people of ``outage``: a short wait for the next frame is none."""
    return bool(outage.reason) or outage.age >= _NOTICED


class Guarded(BaseSink):
    """``inner`` until it fails: that is logged, once, and closes it, and the run goes on.

    What cannot be opened still raises. ``exit_code`` is that of the error, 0 where there was none.
    """

    def __init__(self, inner: Sink) -> None:
        """Wrap ``inner``, which is opened and closed along."""
        self.exit_code = 0
        self._inner = inner

    def __enter__(self) -> Self:
        """Open ``inner``; raises ``SinkError``."""
        self._inner.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        """Close ``inner``, unless it has failed and is closed."""
        self._try(lambda: self._inner.__exit__(*problem))

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Pass one result on."""
        self._try(lambda: self._inner.write(frame, result))

    def lost(self, outage: Outage) -> None:
        """Pass one outage on."""
        self._try(lambda: self._inner.lost(outage))

    def _try(self, call: Callable[[], None]) -> None:
        if self.exit_code:
            return
        try:
            call()
        except SinkError as error:
            self.exit_code = error.exit_code
            log.error("%s", error)  # noqa: TRY400 - people get one line, no traceback
            with suppress(SinkError):  # the same fault again
                self._inner.__exit__(type(error), error, error.__traceback__)


class Annotated(BaseSink):
    """Draws each result once, for ``views``, which somebody watches, and for ``recordings``.

    An outage is a picture too: dark, of the last frame's size, with the reason in it. Recordings
    get it for the first seconds and are told of the rest, so that a night without a camera does not
    fill the disk. ``status`` gives the text for the corner.
    """

    def __init__(
        self,
        views: Sequence[Sink] = (),
        recordings: Sequence[Sink] = (),
        status: Callable[[], str] = lambda: "",
    ) -> None:
        """Wrap the sinks, which are opened and closed along."""
        self._views, self._all = tuple(views), (*views, *recordings)
        self._status, self._placement = status, Placement()
        self._stack = ExitStack()
        self._last: Frame | None = None

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
        self._last = frame
        image = annotate(frame.image, result, self._status(), self._placement)
        for sink in self._all:
            sink.write(replace(frame, image=image), result)

    def lost(self, outage: Outage) -> None:
        """Draw that there is no picture, where that is to be seen, and pass that on."""
        shown: tuple[Sink, ...] = ()
        if is_shown(outage):
            shown = self._all if self._last and outage.age <= _RECORDED else self._views
        if shown:
            last = self._last or Frame(np.zeros((360, 640, 3), np.uint8), 0, 0.0, live=True)
            image = draw_outage((last.image.shape[1], last.image.shape[0]), outage)
            dark = replace(last, image=image, time=outage.time, dropped=0, audio=())
            for sink in shown:
                sink.write(dark, FrameResult(dark.source, dark.index, dark.time, ()))
        for sink in self._all[len(shown) :]:  # views come first
            sink.lost(outage)
