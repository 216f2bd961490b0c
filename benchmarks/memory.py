"""Frames in memory as a source. Imports the edge alone: it is used in its environment too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from edge.frames import Frame, Image

_FPS = 30.0


class Memory:
    """A source of ``images`` that are there already, as often as it is iterated."""

    description = state = "memory"
    fps = _FPS

    def __init__(self, images: Sequence[Image] = ()) -> None:
        """Keep the images, which may be exchanged; their times go on."""
        self.images = images
        self._given = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def __iter__(self) -> Iterator[Frame]:
        """Give each of them once."""
        for image in self.images:
            yield Frame(image, self._given, self._given / _FPS)
            self._given += 1
