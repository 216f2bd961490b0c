"""Where things stand in a picture with results, and how large they are. Pure geometry.

Sizes grow with the frame's height. Tags and panels keep inside the frame and off each other.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2

from edge.frames import Box, Track

BOLD = 600
"""The weight that text is measured in, the widest that it has."""
_BETWEEN = " · "
"""Where a status that is too long for a line may be broken."""
_PATIENCE = 0.1
"""How much more of a face the panel hides where it is before it goes to a better place."""


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


def bars_place(
    tracks: Sequence[Track], width: int, height: int, style: Style, before: int | None = None
) -> tuple[int, Area]:
    """The first place at the frame's rim that hides no face; failing that, the least of one.

    Returned as its number and its area. What counts is the share of a face, however small it is.
    Number ``before`` is kept while it hides hardly more.
    """
    right, bottom = style.width - style.pad - width, style.height - style.pad - height
    middle = (style.width - width) // 2
    places = (style.pad, bottom), (right, bottom), (middle, bottom), (right, style.pad)
    areas = [Area(left, top, width, height) for left, top in places]
    hidden = [sum(area.shared(t.box) / max(t.box.area, 1.0) for t in tracks) for area in areas]
    best = hidden.index(min(hidden))
    if before is not None and hidden[before] <= hidden[best] + _PATIENCE:
        best = before
    return best, areas[best]


class Spot(NamedTuple):
    """A place for a tag beside its face, and the text that fits there; a smaller key is better."""

    key: tuple[int, int, int]
    area: Area
    text: str

    def is_free(self, taken: Sequence[Area], room: int = 0) -> bool:
        """Whether it covers nothing that is ``taken``, nor comes closer than ``room`` pixels."""
        left, top, width, height = self.area
        area = Area(left - room, top - room, width + 2 * room, height + 2 * room)
        return not any(area.meets(other) for other in taken)


def tag_place(spots: Sequence[Spot], taken: Sequence[Area]) -> Spot:
    """The best of ``spots`` that covers nothing that is ``taken``; failing that, the best."""
    return next((spot for spot in spots if spot.is_free(taken)), spots[0])


def tag_spots(box: Box, texts: Sequence[str], style: Style) -> list[Spot]:
    """Places for a tag, the best first: above the box, below it, inside it; then a shorter text."""
    height, gap = style.row + style.pad // 2, style.line + 1
    tops = (
        round(box.top) - gap - height,
        round(box.bottom) + gap,
        round(box.top) + gap,
        round(box.bottom) - gap - height,
    )
    spots = []
    for n, text in enumerate(texts):
        width = text_width(text, style) + 2 * style.pad + style.line
        lefts = round(box.left), round(box.right) - width, round(box.centre[0] - width / 2)
        rightmost = max(style.width - width, 0)
        spots += [
            Spot((n, m, k), Area(min(max(left, 0), rightmost), top, width, height), text)
            for (m, top), (k, left) in itertools.product(enumerate(tops), enumerate(lefts))
            if 0 <= top <= style.height - height
        ]
    left = min(max(round(box.left), 0), rightmost)
    last = Area(left, min(max(tops[0], 0), style.height - height), width, height)
    return [*spots, Spot((len(texts), 0, 0), last, texts[-1])]


@functools.lru_cache(maxsize=512)
def text_width(text: str, style: Style) -> int:
    """How many pixels ``text`` takes up across."""
    return int(cv2.getTextSize((0, 0), text, (0, 0), font(), style.text, BOLD)[2])


@functools.cache
def font() -> cv2.FontFace:
    """Return the font that all text is in."""
    return cv2.FontFace("sans")
