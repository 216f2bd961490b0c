"""Where tags and the panel of bars stand in a picture, and that they stay there in the next one.

Sizes grow with the frame's height. All keep inside the frame and, where there is room, off each
other. Nothing is drawn here.
"""

from __future__ import annotations

import functools
import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2

from edge.types import Box

BOLD = 600
"""The weight that text is measured in, the widest that it has."""
_SIZES = ((3, 0.38), (1, 0.17), (1, 0.06))
"""Of ``pad``, ``line`` and ``rim``: pixels at the least, and in font sizes."""
_PATIENCE = 0.1
"""How much more of a face the panel hides where it is before it goes to a better place."""
_LARGER = 1.5
"""How much larger than the face that has the bars another one must be to get them: boxes of faces
of the same size differ by a quarter from frame to frame."""
_SETTLED = 1.0
"""How long a tag stays in a place before it may go to a better one, seconds."""


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

    def is_free(self, taken: Sequence[Area], room: int = 0) -> bool:
        """Whether it covers nothing that is ``taken``, nor comes closer than ``room`` pixels."""
        left, top, width, height = self
        wide = Area(left - room, top - room, width + 2 * room, height + 2 * room)
        return not any(wide.meets(other) for other in taken)

    def share(self, box: Box) -> float:
        """How much of ``box`` it covers, 0…1."""
        width = min(self.right, box.right) - max(self.left, box.left)
        height = min(self.bottom, box.bottom) - max(self.top, box.top)
        return max(width, 0.0) * max(height, 0.0) / max(box.area, 1.0)


class Style(NamedTuple):
    """Sizes in pixels for a frame of ``width`` × ``height``."""

    width: int
    height: int
    text: int
    """Font size: grows more slowly than the frame, and stays readable in a small one."""
    pad: int
    """Between text and the edge of its backing."""
    row: int
    """Height of a line of text."""
    line: int
    """Thickness of a box."""
    rim: int
    """Of dark on either side of a coloured line."""


def style_for(width: int, height: int) -> Style:
    """Return the sizes for a frame of ``width`` × ``height`` pixels."""
    text = max(10, round(13 * math.pow(height / 360, 0.75)))
    pad, line, rim = (max(least, round(share * text)) for least, share in _SIZES)
    return Style(width, height, text, pad, round(1.3 * text), line, rim)


class Spot(NamedTuple):
    """A place for a tag beside its face, and the text that fits there; a smaller key is better."""

    key: tuple[int, int, int]
    area: Area
    text: str


def tag_spots(box: Box, texts: Sequence[str], style: Style) -> list[Spot]:
    """Places for a tag, the best first: above the box, below it, inside it; then a shorter text."""
    height, gap = style.row + style.pad // 2, style.line + 1
    lowest = style.height - height
    tops = (
        round(box.top) - gap - height,
        round(box.bottom) + gap,
        round(box.top) + gap,
        round(box.bottom) - gap - height,
    )
    spots = []
    for n, text in enumerate(texts):
        width = text_width(text, style) + 2 * style.pad + style.line
        rightmost = max(style.width - width, 0)
        lefts = round(box.left), round(box.right) - width, round(box.centre[0] - width / 2)
        spots += [
            Spot((n, m, k), Area(min(max(left, 0), rightmost), top, width, height), text)
            for (m, top), (k, left) in itertools.product(enumerate(tops), enumerate(lefts))
            if 0 <= top <= lowest
        ]
    last = Area(min(max(lefts[0], 0), rightmost), min(max(tops[0], 0), lowest), width, height)
    return [*spots, Spot((len(texts), 0, 0), last, texts[-1])]


class Placement:
    """Remembers who has the bars, where they are, and where each tag is; faces go by a number.

    A new one for each picture gives what is best for that picture alone.
    """

    def __init__(self) -> None:
        """Start with nothing placed."""
        self._owner: int | None = None
        self._panel: int | None = None
        self._tags: dict[int, tuple[tuple[int, int, int], float]] = {}
        """The key of a tag's spot, and since when it is there in seconds."""

    def owner(self, boxes: Mapping[int, Box]) -> int:
        """Return whose bars are shown of ``boxes``, of which there is one at least.

        The face that has them keeps them until it goes or another one is clearly larger.
        """
        if not self._tags.keys() & boxes.keys():
            self._panel = None  # another scene
        largest = max(boxes, key=lambda number: boxes[number].area)
        owner = self._owner if self._owner in boxes else largest
        if owner is None or boxes[largest].area > _LARGER * boxes[owner].area:
            owner = largest
        self._owner = owner
        return owner

    def panel(self, boxes: Mapping[int, Box], width: int, height: int, style: Style) -> Area:
        """Return where a panel of that size goes: where it was, unless it hides a face there.

        Otherwise to the first place at the frame's rim that hides none or the least; what counts is
        the share of a face, however small it is.
        """
        right, bottom = style.width - style.pad - width, style.height - style.pad - height
        middle = (style.width - width) // 2
        places = (style.pad, bottom), (right, bottom), (middle, bottom), (right, style.pad)
        areas = [Area(left, top, width, height) for left, top in places]
        hidden = [sum(area.share(box) for box in boxes.values()) for area in areas]
        best = hidden.index(min(hidden))
        if self._panel is None or hidden[self._panel] > hidden[best] + _PATIENCE:
            self._panel = best
        return areas[self._panel]

    def tags(
        self, spots: Mapping[int, Sequence[Spot]], taken: Sequence[Area], room: int, at: float
    ) -> dict[int, Spot]:
        """Choose one of each face's ``spots``, off what is ``taken`` and off each other.

        ``at`` is the picture's time in seconds. A tag stays above, below or wherever it was beside
        its face; it moves where something else is, and after a while to a better place that has
        ``room`` pixels to spare.
        """
        placed: dict[int, Spot] = {}

        def others(number: int) -> list[Area]:
            return [*taken, *(spot.area for n, spot in placed.items() if n != number)]

        for number in sorted(spots.keys() & self._tags.keys()):  # of two, that which came first
            kept = [spot for spot in spots[number] if spot.key == self._tags[number][0]]
            if kept and kept[0].area.is_free(others(number)):
                placed[number] = kept[0]
        for number in sorted(spots.keys() - placed.keys()):
            free = (spot for spot in spots[number] if spot.area.is_free(others(number)))
            placed[number] = next(free, spots[number][0])
        since = {n: self._since(n, spot, at) for n, spot in placed.items()}
        for number in sorted(placed):
            if at - since[number] >= _SETTLED:
                better = (spot for spot in spots[number] if spot.key < placed[number].key)
                free = (spot for spot in better if spot.area.is_free(others(number), room))
                placed[number] = next(free, placed[number])
        self._tags = {n: (spot.key, self._since(n, spot, at)) for n, spot in placed.items()}
        return placed

    def _since(self, number: int, spot: Spot, at: float) -> float:
        key, since = self._tags.get(number, (None, at))
        return since if key == spot.key else at


def wrapped(text: str, style: Style) -> list[str]:
    """``text`` in lines that are about as wide as the frame at the most."""
    letters = (style.width - 4 * style.pad) // max(text_width("n", style), 1)
    return textwrap.wrap(text, max(letters, 1))


@functools.lru_cache(maxsize=512)
def text_width(text: str, style: Style) -> int:
    """How many pixels ``text`` takes up across."""
    return int(cv2.getTextSize((0, 0), text, (0, 0), font(), style.text, BOLD)[2])


@functools.cache
def font() -> cv2.FontFace:
    """Return the font that all text is in."""
    return cv2.FontFace("sans")
