"""Draws results into a picture. Pure: nothing is remembered, and the input stays as it is.

Text stands on a darkened backing, so that it is readable on any picture, and grows with the
frame's height. Tags and panels keep inside the frame and off each other.
"""

from __future__ import annotations

import functools
import itertools
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from edge.errors import SinkError
from edge.frames import Box, FrameResult, Image, Outage, Track

_WHITE, _SOFT, _DARK = (255, 255, 255), (215, 215, 215), (24, 24, 24)
_UNSURE, _GROOVE = (170, 170, 170), (108, 108, 108)
_COLOURS = (
    (80, 80, 240),
    (96, 190, 70),
    (226, 110, 190),
    (60, 205, 250),
    (200, 190, 90),
    (240, 150, 70),
    (60, 145, 255),
    (160, 120, 255),
    (150, 215, 160),
)
"""BGR of the labels, in the order of the contract, over and over."""
_BACKING = 0.25
"""How much of the blurred picture shines through behind text."""
_BETWEEN = " · "
"""Where a status that is too long for a line may be broken."""
_REGULAR, _BOLD = 400, 600
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
class _Style:
    """Sizes in pixels for a frame of ``width`` × ``height``."""

    width: int
    height: int

    @property
    def text(self) -> int:
        """Font size: grows more slowly than the frame, and stays readable in a small one."""
        return max(10, round(13 * math.pow(self.height / 360, 0.75)))

    @property
    def pad(self) -> int:
        return max(3, round(0.38 * self.text))

    @property
    def row(self) -> int:
        return round(1.3 * self.text)

    @property
    def line(self) -> int:
        return max(1, round(0.17 * self.text))

    @property
    def rim(self) -> int:
        """Of dark on either side of a coloured line."""
        return max(1, round(0.06 * self.text))


def check_opencv() -> None:
    """Raise ``SinkError`` where OpenCV is too old to draw: its built-in font came with 5.0."""
    if not hasattr(cv2, "FontFace"):
        raise SinkError(
            f"overlay: expected OpenCV 5 or newer, found {cv2.__version__}; install it, or run "
            "with --display off and without a video as output"
        )


def draw(image: Image, result: FrameResult, labels: Sequence[str], status: str) -> Image:
    """Return a copy of ``image`` (``uint8[H, W, 3]`` BGR) with ``result`` drawn into it.

    Each face gets its box, label and confidence; the largest one also a bar for each of
    ``labels``; ``status`` goes to the top left, on more lines than one where it is too long.
    """
    canvas = image.copy()
    style = _Style(canvas.shape[1], canvas.shape[0])
    tracks = sorted(result.tracks, key=lambda track: track.box.area, reverse=True)
    for track in reversed(tracks):
        _draw_box(canvas, track.box, _colour(track, labels), style)
    taken = [_draw_status(canvas, status, style)]
    if tracks:
        taken.append(_draw_bars(canvas, tracks, labels, style))
    for track in tracks:
        texts = (_caption(track, labels), track.emotion)
        area, text = _tag_place(track.box, texts, taken, style)
        _draw_tag(canvas, area, text, _colour(track, labels), style)
        taken.append(area)
    return canvas


def draw_outage(size: tuple[int, int], outage: Outage) -> Image:
    """Return a dark picture of ``size`` (width, height) in pixels that says what is wrong.

    For how long, when it is tried again, and why: ``uint8[H, W, 3]`` BGR.
    """
    width, height = size
    canvas = np.full((height, width, 3), _DARK, np.uint8)
    style = _Style(width, height)
    room = max(width - 4 * style.pad, 1)
    letters = max(room // max(_width("n", style), 1), 1)
    lines = [*textwrap.wrap(outage.state, letters), "", *textwrap.wrap(outage.reason, letters)]
    top = max((height - len(lines) * style.row) // 2, 0)
    for n, line in enumerate(lines):
        area = Area((width - _width(line, style)) // 2, top + n * style.row, width, style.row)
        colour = _WHITE if n < lines.index("") else _SOFT
        _write(canvas, line, (max(area.left, style.pad), area), style, colour)
    return canvas


def _caption(track: Track, labels: Sequence[str]) -> str:
    """The label with its own probability, which needn't be the highest while a change is young."""
    own = dict(zip(labels, track.probabilities, strict=True)).get(track.emotion)
    return track.emotion if own is None else f"{track.emotion} {own:.0%}"


def _colour(track: Track, labels: Sequence[str]) -> tuple[int, int, int]:
    if track.emotion not in labels:
        return _UNSURE
    return _COLOURS[labels.index(track.emotion) % len(_COLOURS)]


def _draw_box(canvas: Image, box: Box, colour: tuple[int, int, int], style: _Style) -> None:
    """A round-cornered frame with a dark rim, inside the picture where the face reaches beyond."""
    rim = style.line + 1
    left, top = max(box.left, rim), max(box.top, rim)
    right, bottom = min(box.right, style.width - 1 - rim), min(box.bottom, style.height - 1 - rim)
    if right <= left or bottom <= top:
        return
    radius = 0.08 * min(right - left, bottom - top)
    turns = np.linspace(0, np.pi / 2, 7)
    arc = radius * np.stack((1 - np.cos(turns), 1 - np.sin(turns)), axis=1)
    corners = (
        np.add((left, top), arc),
        np.add((right, top), arc * (-1, 1))[::-1],
        np.subtract((right, bottom), arc),
        np.add((left, bottom), arc * (1, -1))[::-1],
    )
    outline = np.rint(np.concatenate(corners) * 16).astype(np.int32)
    for tint, thickness in ((_DARK, style.line + 2 * style.rim), (colour, style.line)):
        cv2.polylines(canvas, [outline], True, tint, thickness, cv2.LINE_AA, shift=4)


def _draw_status(canvas: Image, status: str, style: _Style) -> Area:
    lines = _broken(status, style.width - 4 * style.pad, style)
    width = max(_width(line, style) for line in lines) + 2 * style.pad
    area = Area(style.pad, style.pad, width, len(lines) * style.row + style.pad)
    _back(canvas, area, style)
    for n, line in enumerate(lines):
        place = Area(area.left, area.top + style.pad // 2 + n * style.row, width, style.row)
        _write(canvas, line, (area.left + style.pad, place), style, _WHITE)
    return area


def _broken(status: str, width: int, style: _Style) -> list[str]:
    """``status`` in lines of at most ``width`` pixels, as far as its parts are that short."""
    first, *parts = status.split(_BETWEEN)
    lines = [first]
    for part in parts:
        longer = lines[-1] + _BETWEEN + part
        if _width(longer, style) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _draw_bars(
    canvas: Image, tracks: Sequence[Track], labels: Sequence[str], style: _Style
) -> Area:
    """A row for each label with a bar as long as its probability for the largest face."""
    pad, row = style.pad, style.row
    names = max(_width(label, style) for label in labels)
    bar = 4 * style.text
    area = _bars_area(tracks, names + bar + 3 * pad, len(labels) * row + 2 * pad, style)
    _back(canvas, area, style)
    for n, (label, value) in enumerate(zip(labels, tracks[0].probabilities, strict=True)):
        line = Area(area.left, area.top + pad + n * row, area.width, row)
        shown = label == tracks[0].emotion
        _write(canvas, label, (line.left + pad, line), style, _WHITE if shown else _SOFT)
        start, middle = line.left + names + 2 * pad, line.top + row // 2
        half = max(1, round(0.22 * style.text))
        groove = (start, middle - half), (start + bar - 1, middle + half)
        cv2.rectangle(canvas, *groove, _GROOVE, cv2.FILLED)
        if round(float(value) * bar) >= 1:
            end = start + round(float(value) * bar) - 1
            colour = _COLOURS[n % len(_COLOURS)]
            cv2.rectangle(canvas, groove[0], (end, middle + half), colour, cv2.FILLED)
    return area


def _bars_area(tracks: Sequence[Track], width: int, height: int, style: _Style) -> Area:
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


def _draw_tag(
    canvas: Image, area: Area, text: str, colour: tuple[int, int, int], style: _Style
) -> None:
    _back(canvas, area, style)
    accent = (area.left, area.top), (area.left + style.line, area.bottom - 1)
    cv2.rectangle(canvas, *accent, colour, cv2.FILLED)
    _write(canvas, text, (area.left + style.line + style.pad, area), style, _WHITE)


def _tag_place(
    box: Box, texts: Sequence[str], taken: Sequence[Area], style: _Style
) -> tuple[Area, str]:
    """Where a tag covers nothing that is ``taken``, and the text that fits there."""
    options = list(_tag_options(box, texts, style))
    free = ((area, text) for area, text in options if not any(area.meets(other) for other in taken))
    return next(free, options[0])


def _tag_options(box: Box, texts: Sequence[str], style: _Style) -> Iterator[tuple[Area, str]]:
    """Places for a tag, the best first: above the box, below it, inside it; then a shorter text."""
    height = style.row + style.pad // 2
    gap = style.line + 1
    for text in texts:
        width = _width(text, style) + 2 * style.pad + style.line
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


def _back(canvas: Image, area: Area, style: _Style) -> None:
    """Blur and darken what lies behind text: a pattern is as hard to read on as a bright wall."""
    part = canvas[max(area.top, 0) : area.bottom, max(area.left, 0) : area.right]
    if part.size:
        cv2.blur(part, (style.text, style.text), dst=part)
        cv2.convertScaleAbs(part, dst=part, alpha=_BACKING, beta=10)


def _write(
    canvas: Image,
    text: str,
    place: tuple[int, Area],
    style: _Style,
    colour: tuple[int, int, int],
) -> None:
    """Put ``text`` at a column, in the middle of an area's height."""
    left, area = place
    baseline = area.top + (area.height + round(0.7 * style.text)) // 2
    weight = _BOLD if colour == _WHITE else _REGULAR
    cv2.putText(canvas, text, (left, baseline), colour, _font(), style.text, weight)


@functools.lru_cache(maxsize=512)
def _width(text: str, style: _Style) -> int:
    return int(cv2.getTextSize((0, 0), text, (0, 0), _font(), style.text, _BOLD)[2])


@functools.cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
