"""Sinks made of sinks: one that may fail alone, and one that draws once for several."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any, ParamSpec, Self

from edge import overlay
from edge.errors import EdgeError, SinkError
from edge.frames import Frame, FrameResult, Image, Outage, Sink

P = ParamSpec("P")


class Guarded:
    """``inner`` until it fails, which goes to ``report`` once; from then on nothing.

    What can't be opened at all still raises: that is said before the first frame.
    """

    def __init__(self, inner: Sink, report: Callable[[EdgeError], None]) -> None:
        """Wrap ``inner``, which is opened and closed along."""
        self._inner, self._report = inner, report
        self._failed = False

    def __enter__(self) -> Self:
        """Open ``inner``; raises ``SinkError``."""
        self._inner.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close ``inner``, unless it has failed and is closed."""
        if self._failed:
            return
        try:
            self._inner.__exit__(*problem)
        except SinkError as error:
            self._report(error)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Pass one result on."""
        self._pass_on(self._inner.write, frame, result)

    def lost(self, outage: Outage) -> None:
        """Pass one outage on."""
        self._pass_on(self._inner.lost, outage)

    def _pass_on(self, method: Callable[P, None], /, *arguments: P.args, **named: P.kwargs) -> None:
        if self._failed:
            return
        try:
            method(*arguments, **named)
        except SinkError as error:
            self._failed = True
            self._report(error)
            with suppress(SinkError):  # the same fault again
                self._inner.__exit__(type(error), error, error.__traceback__)


class Annotated:
    """Draws the result into the picture, once, and passes that on to ``views``.

    An outage is a picture too: dark, of the last frame's size, with the reason in it.
    """

    def __init__(
        self,
        views: Sequence[Sink],
        draw: Callable[[Image, FrameResult], Image],
        draw_outage: Callable[[tuple[int, int], Outage], Image] = overlay.draw_outage,
    ) -> None:
        """Wrap ``views``; both functions return a new ``uint8[H, W, 3]`` BGR."""
        self._views, self._draw, self._draw_outage = views, draw, draw_outage
        self._stack = ExitStack()
        self._last: Frame | None = None

    def __enter__(self) -> Self:
        """Open every view; raises ``SinkError``."""
        with ExitStack() as opened:
            for view in self._views:
                opened.enter_context(view)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close every view."""
        self._stack.__exit__(*problem)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and pass on."""
        self._last = frame
        self._show(dataclasses.replace(frame, image=self._draw(frame.image, result)), result)

    def lost(self, outage: Outage) -> None:
        """Draw that there is no picture, and pass that on."""
        if self._last is None:
            return
        height, width = self._last.image.shape[:2]
        dark = self._draw_outage((width, height), outage)
        frame = dataclasses.replace(self._last, image=dark, captured_at=outage.at, dropped=0)
        self._show(frame, FrameResult(frame.index, frame.captured_at, (), {}))

    def _show(self, frame: Frame, result: FrameResult) -> None:
        for view in self._views:
            view.write(frame, result)
