"""Frames in memory, and a source of them. Imports the edge alone: used in its environment too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from edge.frames import Frame, Image

FPS = 30.0
"""Frames a second, by the times of frames that no camera gave."""


def demo(faces: int, count: int) -> list[Image]:
    """Return ``count`` frames of the demo with so many faces, ``uint8[360, 640, 3]`` BGR."""
    from edge.sources.demo import DemoSource, load_portraits  # noqa: PLC0415 - OpenCV's memory

    with DemoSource(load_portraits(), frames=count, fps=FPS, faces=faces) as source:
        return [frame.image for frame in source]


class Memory:
    """A source of ``images`` that are there already, as often as it is iterated."""

    description = state = "memory"
    fps = FPS

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
            yield Frame(image, self._given, self._given / FPS)
            self._given += 1
