"""Sinks made of sinks: one that may fail alone, and one that draws once for several."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Self

from edge.errors import EdgeError, SinkError
from edge.frames import Frame, FrameResult, Image, Sink


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
        if self._failed:
            return
        try:
            self._inner.write(frame, result)
        except SinkError as error:
            self._failed = True
            self._report(error)
            with suppress(SinkError):  # the same fault again
                self._inner.__exit__(type(error), error, error.__traceback__)


class Annotated:
    """Draws the result into the picture, once, and passes that on to ``views``."""

    def __init__(self, views: Sequence[Sink], draw: Callable[[Image, FrameResult], Image]) -> None:
        """Wrap ``views``; ``draw`` returns a new ``uint8[H, W, 3]`` BGR."""
        self._views, self._draw = views, draw
        self._stack = ExitStack()

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
        drawn = dataclasses.replace(frame, image=self._draw(frame.image, result))
        for view in self._views:
            view.write(drawn, result)
