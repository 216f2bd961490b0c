"""Draws results into a picture, which stays as it is itself.

Text stands on a darkened backing, so that it is readable on any picture; ``edge.layout`` says where
things stand and how large they are, and ``edge.placement`` keeps them there in the next picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

from edge.errors import SinkError
from edge.frames import Box, FrameResult, Image, Outage, Track
from edge.layout import BOLD, Area, Style, broken, font, text_width
from edge.placement import Placement

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
_REGULAR = 400


def check_opencv() -> None:
    """Raise ``SinkError`` where OpenCV is too old to draw: its built-in font came with 5.0."""
    if not hasattr(cv2, "FontFace"):
        raise SinkError(
            f"overlay: expected OpenCV 5 or newer, found {cv2.__version__}; install it, or run "
            "with --display off and without a video as output"
        )


def draw(
    image: Image,
    result: FrameResult,
    labels: Sequence[str],
    status: str,
    placement: Placement | None = None,
) -> Image:
    """Return a copy of ``image`` (``uint8[H, W, 3]`` BGR) with ``result`` drawn into it.

    Each face gets its box, label and confidence; one also a bar for each of ``labels``: the largest
    one, for as long as ``placement`` remembers it. ``status`` goes to the top left, on more lines
    than one where it is too long.
    """
    canvas = image.copy()
    style = Style(canvas.shape[1], canvas.shape[0])
    placement = placement or Placement()
    taken = [draw_status(canvas, status, style)]
    if not result.tracks:
        return canvas
    owner = placement.owner(result.tracks)
    title = f"#{owner.id}" if len(result.tracks) > 1 else ""
    for track in sorted(result.tracks, key=lambda track: track.box.area):
        line = 2 * style.line if title and track is owner else style.line
        _draw_box(canvas, track.box, _colour(track, labels), style, line)
    area = placement.panel(result.tracks, *bars_size(labels, title, style), style)
    draw_bars(canvas, owner, labels, title, area)

    def texts(track: Track) -> tuple[str, str]:
        number = f"{title} " if title and track is owner else ""
        return number + caption(track, labels), number + track.emotion

    taken.append(area)
    for track, spot in placement.tags(result.tracks, texts, taken, style, result.captured_at):
        _draw_tag(canvas, spot.area, spot.text, _colour(track, labels), style)
    return canvas


def draw_outage(size: tuple[int, int], outage: Outage) -> Image:
    """Return a dark picture of ``size`` (width, height) in pixels that says what is wrong.

    For how long, when it is tried again, and why: ``uint8[H, W, 3]`` BGR.
    """
    width, height = size
    canvas = np.full((height, width, 3), _DARK, np.uint8)
    style = Style(width, height)
    room = max(width - 4 * style.pad, 1)
    letters = max(room // max(text_width("n", style), 1), 1)
    lines = [*textwrap.wrap(outage.state, letters), "", *textwrap.wrap(outage.reason, letters)]
    top = max((height - len(lines) * style.row) // 2, 0)
    for n, line in enumerate(lines):
        area = Area((width - text_width(line, style)) // 2, top + n * style.row, width, style.row)
        colour = _WHITE if n < lines.index("") else _SOFT
        _write(canvas, line, (max(area.left, style.pad), area), style, colour)
    return canvas


def caption(track: Track, labels: Sequence[str]) -> str:
    """What stands beside a face: its label, with its probability where it has one."""
    sure = track.emotion in labels
    return f"{track.emotion} {track.confidence(labels):.0%}" if sure else track.emotion


def _colour(track: Track, labels: Sequence[str]) -> tuple[int, int, int]:
    if track.emotion not in labels:
        return _UNSURE
    return _COLOURS[labels.index(track.emotion) % len(_COLOURS)]


def _draw_box(
    canvas: Image, box: Box, colour: tuple[int, int, int], style: Style, line: int
) -> None:
    """A round-cornered frame with a dark rim, inside the picture where the face reaches beyond."""
    rim = line + 1
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
    for tint, thickness in ((_DARK, line + 2 * style.rim), (colour, line)):
        cv2.polylines(canvas, [outline], True, tint, thickness, cv2.LINE_AA, shift=4)


def draw_status(canvas: Image, status: str, style: Style) -> Area:
    """Write ``status`` into the upper left corner, in as many lines as it needs."""
    lines = broken(status, style.width - 4 * style.pad, style)
    width = max(text_width(line, style) for line in lines) + 2 * style.pad
    area = Area(style.pad, style.pad, width, len(lines) * style.row + style.pad)
    darken(canvas, area, style)
    for n, line in enumerate(lines):
        place = Area(area.left, area.top + style.pad // 2 + n * style.row, width, style.row)
        _write(canvas, line, (area.left + style.pad, place), style, _WHITE)
    return area


def bars_size(labels: Sequence[str], title: str, style: Style) -> tuple[int, int]:
    """Width and height in pixels of what ``draw_bars`` needs."""
    names = max(text_width(label, style) for label in labels)
    rows = len(labels) + bool(title)
    return names + 4 * style.text + 3 * style.pad, rows * style.row + 2 * style.pad


def draw_bars(canvas: Image, owner: Track, labels: Sequence[str], title: str, area: Area) -> None:
    """Fill ``area`` with a row for each label and a bar as long as its probability for ``owner``.

    Where there is a ``title``, it says whose they are, and so does an edge in that face's colour.
    """
    style = Style(canvas.shape[1], canvas.shape[0])
    darken(canvas, area, style)
    top = area.top + style.pad
    if title:
        _draw_edge(canvas, area, _colour(owner, labels), style)
        place = Area(area.left, top, area.width, style.row)
        _write(canvas, title, (area.left + style.pad, place), style, _WHITE)
        top += style.row
    for n, (label, value) in enumerate(zip(labels, owner.probabilities, strict=True)):
        line = Area(area.left, top + n * style.row, area.width, style.row)
        colour = _COLOURS[n % len(_COLOURS)]
        _draw_bar(canvas, line, (label, float(value)), colour, style, label == owner.emotion)


def _draw_bar(
    canvas: Image,
    line: Area,
    entry: tuple[str, float],
    colour: tuple[int, int, int],
    style: Style,
    shown: bool,
) -> None:
    """A label and its bar, from the right end of ``line``; ``shown`` is what stands at the face."""
    (label, value), bar = entry, 4 * style.text
    _write(canvas, label, (line.left + style.pad, line), style, _WHITE if shown else _SOFT)
    start, middle = line.right - style.pad - bar, line.top + style.row // 2
    half = max(1, round(0.22 * style.text))
    groove = (start, middle - half), (start + bar - 1, middle + half)
    cv2.rectangle(canvas, *groove, _GROOVE, cv2.FILLED)
    if round(value * bar) >= 1:
        end = start + round(value * bar) - 1, middle + half
        cv2.rectangle(canvas, groove[0], end, colour, cv2.FILLED)


def _draw_tag(
    canvas: Image, area: Area, text: str, colour: tuple[int, int, int], style: Style
) -> None:
    darken(canvas, area, style)
    _draw_edge(canvas, area, colour, style)
    _write(canvas, text, (area.left + style.line + style.pad, area), style, _WHITE)


def _draw_edge(canvas: Image, area: Area, colour: tuple[int, int, int], style: Style) -> None:
    edge = (area.left, area.top), (area.left + style.line, area.bottom - 1)
    cv2.rectangle(canvas, *edge, colour, cv2.FILLED)


def darken(canvas: Image, area: Area, style: Style) -> None:
    """Blur and darken what lies behind text: a pattern is as hard to read on as a bright wall."""
    part = canvas[max(area.top, 0) : area.bottom, max(area.left, 0) : area.right]
    if part.size:
        cv2.blur(part, (style.text, style.text), dst=part)
        cv2.convertScaleAbs(part, dst=part, alpha=_BACKING, beta=10)


def _write(
    canvas: Image,
    text: str,
    place: tuple[int, Area],
    style: Style,
    colour: tuple[int, int, int],
) -> None:
    """Put ``text`` at a column, in the middle of an area's height."""
    left, area = place
    baseline = area.top + (area.height + round(0.7 * style.text)) // 2
    weight = BOLD if colour == _WHITE else _REGULAR
    cv2.putText(canvas, text, (left, baseline), colour, font(), style.text, weight)
