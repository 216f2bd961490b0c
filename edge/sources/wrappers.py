"""Sources made of sources: at their own pace, at most so many frames, the first that opens."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

from edge.errors import NoCameraError
from edge.frames import Frame, Source


class RatedSource(Source, Protocol):
    """A source that knows how many frames a second it means to give, once it is open."""

    fps: float


class Wrapper:
    """A source that passes everything on to ``inner``."""

    def __init__(self, inner: RatedSource) -> None:
        """Wrap ``inner``, which is opened and closed along."""
        self._use(inner)

    def _use(self, inner: RatedSource) -> None:
        self.inner = inner
        self.description, self.fps = inner.description, inner.fps

    def __enter__(self) -> Self:
        """Open ``inner``; raises ``SourceError``."""
        self._use(self.inner.__enter__())
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close ``inner``."""
        self.inner.__exit__(*problem)

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames of ``inner``."""
        return iter(self.inner)


class Limited(Wrapper):
    """The first ``frames`` frames."""

    def __init__(self, inner: RatedSource, frames: int) -> None:
        """Wrap ``inner``; ``frames`` is at least 1."""
        super().__init__(inner)
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        """Give the first frames, and don't ask for one more."""
        return itertools.islice(self.inner, self._frames)


class Paced(Wrapper):
    """Gives no frame before its capture time, so that a file plays at the speed of life."""

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames, each when it is due."""
        for frame in self.inner:
            time.sleep(max(frame.captured_at - time.monotonic(), 0.0))
            yield frame


class Fallback(Wrapper):
    """``inner`` where there is one, else what ``other`` makes; ``say`` is told why.

    A camera that is there and does not open is an error, not a reason to show something else.
    """

    def __init__(
        self,
        inner: RatedSource,
        other: Callable[[], RatedSource],
        say: Callable[[str], None],
    ) -> None:
        """Wrap the two; ``other`` isn't made unless it's needed."""
        super().__init__(inner)
        self._other, self._say = other, say

    def __enter__(self) -> Self:
        """Open the first that opens; raises ``SourceError`` where none does."""
        try:
            return super().__enter__()
        except NoCameraError as error:
            self._use(self._other())
            self._say(f"{error}; showing the {self.description} instead")
            return super().__enter__()
