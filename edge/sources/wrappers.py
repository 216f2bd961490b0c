"""Sources made of sources: at their own pace, at most so many frames, the first that opens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

from edge.errors import NoCameraError, SourceLostError
from edge.frames import Frame, Image, Outage, Source

_SLICE = 0.05
"""How long one wait lasts before the wish to stop is looked at, seconds."""


class RatedSource(Source, Protocol):
    """A source that knows how many frames a second it means to give, once it gives some."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    @property
    def state(self) -> str:
        """For people, while it gives frames, in a word or two: "camera 0 live"."""
        ...


class Wrapper:
    """A source that passes everything on to ``inner``."""

    def __init__(self, inner: RatedSource) -> None:
        """Wrap ``inner``, which is opened and closed along."""
        self.inner = inner

    @property
    def description(self) -> str:
        """That of ``inner``."""
        return self.inner.description

    @property
    def state(self) -> str:
        """That of ``inner``."""
        return self.inner.state

    @property
    def fps(self) -> float:
        """That of ``inner``, which may be known with its first frame only."""
        return self.inner.fps

    def __enter__(self) -> Self:
        """Open ``inner``; raises ``SourceError``."""
        self.inner = self.inner.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close ``inner``."""
        self.inner.__exit__(*problem)

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give what ``inner`` gives."""
        return iter(self.inner)


class Limited(Wrapper):
    """The first ``frames`` frames, and the outages between them."""

    def __init__(self, inner: RatedSource, frames: int) -> None:
        """Wrap ``inner``; ``frames`` is at least 1."""
        super().__init__(inner)
        self._frames = frames

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give the first frames, and don't ask for one more."""
        left = self._frames
        for frame in self.inner:
            yield frame
            left -= isinstance(frame, Frame)
            if left == 0:
                return


class Paced(Wrapper):
    """Gives no frame before its capture time, so that a file plays at the speed of life."""

    def __init__(self, inner: RatedSource, stop: Callable[[], bool]) -> None:
        """Wrap ``inner``; ``stop`` is asked while waiting."""
        super().__init__(inner)
        self._stop = stop

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give the frames, each when it is due, until the wish to stop."""
        for frame in self.inner:
            if isinstance(frame, Frame):
                self._wait_until(frame.captured_at)
            yield frame

    def _wait_until(self, due: float) -> None:
        """Return at monotonic second ``due``, or at the wish to stop."""
        while (rest := due - time.monotonic()) > 0 and not self._stop():
            time.sleep(min(rest, _SLICE))


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
            self.inner = self._other()
            self._say(f"{error}; showing the {self.description} instead")
            return super().__enter__()


class Announcing(Wrapper):
    """Tells ``announce`` the image of a frame while the ``ahead`` frames before it are in use.

    Not of live frames: there is none to come yet, and waiting for it would cost latency.
    """

    def __init__(self, inner: RatedSource, announce: Callable[[Image], None], ahead: int) -> None:
        """Wrap ``inner``."""
        super().__init__(inner)
        self._announce, self._ahead = announce, ahead

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give every frame, once the next ones are there; where ``inner`` raises, before that."""
        waiting: deque[Frame] = deque()
        try:
            for frame in self.inner:
                if isinstance(frame, Outage) or frame.live:
                    yield frame
                    continue
                self._announce(frame.image)
                waiting.append(frame)
                if len(waiting) > self._ahead:
                    yield waiting.popleft()
        except SourceLostError:
            yield from waiting
            raise
        yield from waiting
