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
_RECORDED_OUTAGE = 5.0
"""How much of an outage is worth its place on a disk, seconds."""


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
    """Draws the result into the picture, once, and passes that on to ``views`` and ``recordings``.

    An outage is a picture too: dark, of the last frame's size, with the reason in it. Recordings
    get it for the first seconds and are told of the rest, so that a night without a camera doesn't
    fill the disk.
    """

    def __init__(
        self,
        views: Sequence[Sink],
        draw: Callable[[Image, FrameResult], Image],
        draw_outage: Callable[[tuple[int, int], Outage], Image] = overlay.draw_outage,
        recordings: Sequence[Sink] = (),
    ) -> None:
        """Wrap the sinks; both functions return a new ``uint8[H, W, 3]`` BGR."""
        self._views, self._recordings = tuple(views), tuple(recordings)
        self._draw, self._draw_outage = draw, draw_outage
        self._stack = ExitStack()
        self._last: Frame | None = None

    def __enter__(self) -> Self:
        """Open every sink; raises ``SinkError``."""
        with ExitStack() as opened:
            for sink in self._all:
                opened.enter_context(sink)
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close every sink."""
        self._stack.__exit__(*problem)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Draw and pass on."""
        self._last = frame
        drawn = dataclasses.replace(frame, image=self._draw(frame.image, result))
        for sink in self._all:
            sink.write(drawn, result)

    def lost(self, outage: Outage) -> None:
        """Draw that there is no picture, and pass that on."""
        if outage.at - outage.since <= _RECORDED_OUTAGE:
            self._show(outage, self._all)
            return
        self._show(outage, self._views)
        for recording in self._recordings:
            recording.lost(outage)

    def _show(self, outage: Outage, sinks: Sequence[Sink]) -> None:
        if self._last is None or not sinks:
            return
        height, width = self._last.image.shape[:2]
        dark = self._draw_outage((width, height), outage)
        frame = dataclasses.replace(self._last, image=dark, captured_at=outage.at, dropped=0)
        for sink in sinks:
            sink.write(frame, FrameResult(frame.index, frame.captured_at, (), {}))

    @property
    def _all(self) -> tuple[Sink, ...]:
        return self._views + self._recordings
