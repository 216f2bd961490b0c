"""Where things stand in a picture with results, and how large they are. Pure geometry.

Sizes grow with the frame's height. Tags and panels keep inside the frame and off each other.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2

from edge.frames import Box, Track

BOLD = 600
"""The weight that text is measured in, the widest that it has."""
_BETWEEN = " · "
"""Where a status that is too long for a line may be broken."""
_PATIENCE = 0.1
"""How much of itself the panel lays over faces before it looks for another place."""


class Area(NamedTuple):
    """A rectangle of whole pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    def meets(self, other: Area) -> bool:
        """Whether the two share a pixel."""
        apart_x = self.right <= other.left or other.right <= self.left
        return not (apart_x or self.bottom <= other.top or other.bottom <= self.top)

    def shared(self, box: Box) -> float:
        """How many square pixels ``box`` covers of it."""
        width = min(self.right, box.right) - max(self.left, box.left)
        height = min(self.bottom, box.bottom) - max(self.top, box.top)
        return max(width, 0.0) * max(height, 0.0)


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes in pixels for a frame of ``width`` × ``height``."""

    width: int
    height: int

    @property
    def text(self) -> int:
        """Font size: grows more slowly than the frame, and stays readable in a small one."""
        return max(10, round(13 * math.pow(self.height / 360, 0.75)))

    @property
    def pad(self) -> int:
        """Between text and the edge of its backing."""
        return max(3, round(0.38 * self.text))

    @property
    def row(self) -> int:
        """Height of a line of text."""
        return round(1.3 * self.text)

    @property
    def line(self) -> int:
        """Thickness of a box."""
        return max(1, round(0.17 * self.text))

    @property
    def rim(self) -> int:
        """Of dark on either side of a coloured line."""
        return max(1, round(0.06 * self.text))


def broken(status: str, width: int, style: Style) -> list[str]:
    """``status`` in lines of at most ``width`` pixels, as far as its parts are that short."""
    first, *parts = status.split(_BETWEEN)
    lines = [first]
    for part in parts:
        longer = lines[-1] + _BETWEEN + part
        if text_width(longer, style) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def bars_area(tracks: Sequence[Track], width: int, height: int, style: Style) -> Area:
    """The first place at the frame's rim that covers hardly a face; failing that, the least."""
    right, bottom = style.width - style.pad - width, style.height - style.pad - height
    middle = (style.width - width) // 2
    places = (style.pad, bottom), (right, bottom), (middle, bottom), (right, style.pad)
    areas = [Area(left, top, width, height) for left, top in places]
    covered = [sum(area.shared(track.box) for track in tracks) for area in areas]
    # With some patience the panel doesn't jump to and fro beside a face that moves a little.
    fair = (
        area
        for area, part in zip(areas, covered, strict=True)
        if part <= _PATIENCE * width * height
    )
    return next(fair, areas[covered.index(min(covered))])


def tag_place(
    box: Box, texts: Sequence[str], taken: Sequence[Area], style: Style
) -> tuple[Area, str]:
    """Where a tag covers nothing that is ``taken``, and the text that fits there."""
    options = list(_tag_options(box, texts, style))
    free = ((area, text) for area, text in options if not any(area.meets(other) for other in taken))
    return next(free, options[0])


def _tag_options(box: Box, texts: Sequence[str], style: Style) -> Iterator[tuple[Area, str]]:
    """Places for a tag, the best first: above the box, below it, inside it; then a shorter text."""
    height = style.row + style.pad // 2
    gap = style.line + 1
    for text in texts:
        width = text_width(text, style) + 2 * style.pad + style.line
        lefts = round(box.left), round(box.right) - width, round(box.centre[0] - width / 2)
        tops = (
            round(box.top) - gap - height,
            round(box.bottom) + gap,
            round(box.top) + gap,
            round(box.bottom) - gap - height,
        )
        for top, left in itertools.product(tops, lefts):
            if 0 <= top <= style.height - height:
                yield Area(min(max(left, 0), max(style.width - width, 0)), top, width, height), text
    left = min(max(round(box.left), 0), max(style.width - width, 0))
    yield Area(left, min(max(tops[0], 0), style.height - height), width, height), texts[-1]


@functools.lru_cache(maxsize=512)
def text_width(text: str, style: Style) -> int:
    """How many pixels ``text`` takes up across."""
    return int(cv2.getTextSize((0, 0), text, (0, 0), font(), style.text, BOLD)[2])


@functools.cache
def font() -> cv2.FontFace:
    """Return the font that all text is in."""
    return cv2.FontFace("sans")
