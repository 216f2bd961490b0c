"""Draws results into a picture, which stays as it is itself.

Text stands on a darkened backing, so that it is readable on any picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import cv2
import numpy as np

from edge.errors import SettingsError, SinkError
from edge.settings import ALL, Hiding, Part, named_parts
from edge.types import Box, Expression, FrameResult, Image, Outage, check_image
from edge.vision.hiding import hide
from edge.vision.placement import (
    BOLD,
    Area,
    Placement,
    Style,
    font,
    style_for,
    tag_spots,
    text_width,
    wrapped,
)

Parts = frozenset[Part]
Colour = tuple[int, int, int]
"""BGR."""

_WHITE, _SOFT, _DARK = (255, 255, 255), (215, 215, 215), (24, 24, 24)
_UNCERTAIN, _GROOVE = (170, 170, 170), (108, 108, 108)
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
"""Of the labels, in the order of the model's, over and over."""
_LARGEST_PANEL = 0.6
"""Of the frame's width and height: the bars are left out of a picture that they would hide."""
_MOST_HIDDEN = 0.05
"""Of a face in a photograph of several: there, too, the bars are left out."""
_BACKING = 0.25
"""How much of the blurred picture shines through behind text."""
_REGULAR = 400
_TURNS = np.linspace(0, np.pi / 2, 7)
_ARC = np.stack((1 - np.cos(_TURNS), 1 - np.sin(_TURNS)), axis=1)
"""A quarter of a circle, from the left side of a box to its top."""


def check_opencv() -> None:
    """Raise ``SinkError`` where OpenCV is too old to draw: its font came with 5.0."""
    if not hasattr(cv2, "FontFace"):
        raise SinkError(
            f"overlay: expected OpenCV 5 or newer, found {cv2.__version__}; install it, or run "
            "with --display off and without a video as output"
        )


def annotate(
    image: Image,
    result: FrameResult,
    status: str = "",
    *,
    overlay: str | Iterable[Part] = ALL,
    hide_faces: Hiding = "off",
) -> Image:
    """Return a copy of ``image`` (``uint8[H, W, 3]`` BGR) with ``result`` drawn into it.

    With "boxes" in ``overlay`` each face gets its box and its label; with "bars" the largest one
    also a bar for each label; with "status", ``status`` goes to the top left; "boxes,bars" is two
    of them. ``hide_faces`` ("blur", "blank") hides the faces first. Raises ``SettingsError`` for
    other names, ``ImageError``, and ``SinkError`` where OpenCV is too old to draw.
    """
    check_opencv()
    check_image(image)
    if hide_faces not in get_args(Hiding):
        raise SettingsError(
            f"hide_faces: expected {', '.join(get_args(Hiding))}, found {hide_faces!r}; give one"
        )
    canvas = image.copy()
    boxes = [face.box for face in result.faces]
    draw(canvas, result, status, Placement(), named_parts(overlay), hide_faces, boxes)
    return canvas


def draw(
    canvas: Image,
    result: FrameResult,
    status: str,
    placement: Placement,
    overlay: Parts,
    hide_faces: Hiding,
    hidden: Iterable[Box],
) -> None:
    """Draw into ``canvas`` itself, see ``annotate``.

    ``placement`` remembers where things stand and is to be the same for all frames of a video;
    ``hidden`` are the boxes of the faces to hide.
    """
    hide(canvas, hidden, hide_faces)
    style = style_for(canvas.shape[1], canvas.shape[0])
    taken = []
    if "status" in overlay and status.strip():
        taken.append(_draw_status(canvas, status, style))
    if result.faces and overlay & {"boxes", "bars"}:
        _draw_faces(canvas, result, taken, style, placement, overlay)


def _draw_faces(
    canvas: Image,
    result: FrameResult,
    taken: list[Area],
    style: Style,
    placement: Placement,
    overlay: Parts,
) -> None:
    """Draw boxes, bars and tags off what is ``taken``."""
    numbers = [face.track_id for face in result.faces]
    still = None in numbers
    if still:
        numbers, placement = [*range(1, len(numbers) + 1)], Placement()
    boxes = {n: face.box for n, face in zip(numbers, result.faces, strict=True) if n}
    faces = {n: face.shown for n, face in zip(numbers, result.faces, strict=True) if n}
    owner, several = placement.owner(boxes), len(faces) > 1
    title = f"#{owner} " if several else ""
    width, height = _bars_size(faces[owner], title, style)
    panel = placement.panel(boxes, width, height, style)
    fits = width < _LARGEST_PANEL * style.width and height < _LARGEST_PANEL * style.height
    hides = still and several and any(panel.share(box) > _MOST_HIDDEN for box in boxes.values())
    bars = "bars" in overlay and fits and not hides
    names = {n: f"#{n} " if several and (n == owner or not bars) else "" for n in faces}
    for n in sorted(faces, key=lambda n: boxes[n].area) if "boxes" in overlay else ():
        weight = 2 if several and bars and n == owner else 1
        _draw_box(canvas, boxes[n], _colour(faces[n]), style, weight)
    if bars:
        taken.append(panel)
        _draw_bars(canvas, faces[owner], title, panel, style)
    if "boxes" not in overlay:
        return
    spots = {
        n: tag_spots(boxes[n], (names[n] + caption(shown), names[n] + _name(shown)), style)
        for n, shown in faces.items()
    }
    for n, spot in placement.tags(spots, taken, 2 * style.pad, result.time).items():
        _darken(canvas, spot.area, style)
        _draw_edge(canvas, spot.area, _colour(faces[n]), style)
        left = spot.area.left + style.line + style.pad
        _write(canvas, spot.text, left, spot.area, style, _WHITE)


def draw_outage(size: tuple[int, int], outage: Outage) -> Image:
    """Return a dark picture of ``size`` (width, height) in pixels that says what is wrong.

    For how long, when it is tried again, and why: ``uint8[H, W, 3]`` BGR.
    """
    canvas = np.full((size[1], size[0], 3), _DARK, np.uint8)
    style = style_for(*size)
    first, then = wrapped(outage.state, style), wrapped(outage.reason, style)
    top = (style.height - (len(first) + len(then) + 1) * style.row) // 2
    for n, line in enumerate([*first, "", *then]):
        left = max((style.width - text_width(line, style)) // 2, style.pad)
        row = Area(left, max(top, 0) + n * style.row, style.width, style.row)
        _write(canvas, line, left, row, style, _WHITE if n < len(first) else _SOFT)
    return canvas


def caption(expression: Expression) -> str:
    """What stands beside a face: "happy 93%", or "neutral?" where the model is not certain."""
    name = _name(expression)
    return f"{name} {expression.score:.0%}" if expression.certain else name


def _name(expression: Expression) -> str:
    return expression.label if expression.certain else f"{expression.label}?"


def _colour(expression: Expression) -> Colour:
    if not expression.certain:
        return _UNCERTAIN
    return _COLOURS[list(expression.probabilities).index(expression.label) % len(_COLOURS)]


def _draw_box(canvas: Image, box: Box, colour: Colour, style: Style, weight: int) -> None:
    """A round-cornered frame with a dark rim, inside the picture where the face reaches beyond."""
    line = weight * style.line
    rim = line + 1
    left, top = max(box.left, rim), max(box.top, rim)
    right, bottom = min(box.right, style.width - 1 - rim), min(box.bottom, style.height - 1 - rim)
    if right <= left or bottom <= top:
        return
    radius = 0.08 * min(right - left, bottom - top)
    arc = radius * _ARC
    corners = (
        np.add((left, top), arc),
        np.add((right, top), arc * (-1, 1))[::-1],
        np.subtract((right, bottom), arc),
        np.add((left, bottom), arc * (1, -1))[::-1],
    )
    outline = np.rint(np.concatenate(corners) * 16).astype(np.int32)
    for tint, thickness in ((_DARK, line + 2 * style.rim), (colour, line)):
        cv2.polylines(canvas, [outline], True, tint, thickness, cv2.LINE_AA, shift=4)


def _draw_status(canvas: Image, status: str, style: Style) -> Area:
    """Write ``status`` into the upper left corner, in as many lines as it needs."""
    lines = wrapped(status, style)
    width = max(text_width(line, style) for line in lines) + 2 * style.pad
    area = Area(style.pad, style.pad, width, len(lines) * style.row + style.pad)
    _darken(canvas, area, style)
    for n, line in enumerate(lines):
        row = Area(area.left, area.top + style.pad // 2 + n * style.row, width, style.row)
        _write(canvas, line, area.left + style.pad, row, style, _WHITE)
    return area


def _bars_size(shown: Expression, title: str, style: Style) -> tuple[int, int]:
    """Width and height in pixels of what ``_draw_bars`` needs."""
    names = max(text_width(label, style) for label in shown.probabilities)
    rows = len(shown.probabilities) + bool(title)
    return names + 4 * style.text + 3 * style.pad, rows * style.row + 2 * style.pad


def _draw_bars(canvas: Image, shown: Expression, title: str, area: Area, style: Style) -> None:
    """Fill ``area`` with a row for each label and a bar as long as its probability.

    Where there is a ``title``, it says whose they are, and so does an edge in that face's colour.
    """
    _darken(canvas, area, style)
    left, top = area.left + style.pad, area.top + style.pad
    if title:
        _draw_edge(canvas, area, _colour(shown), style)
        _write(canvas, title, left, Area(left, top, area.width, style.row), style, _WHITE)
        top += style.row
    length, half = 4 * style.text, max(1, round(0.22 * style.text))
    start = area.right - style.pad - length
    for n, (label, value) in enumerate(shown.probabilities.items()):
        row = Area(area.left, top + n * style.row, area.width, style.row)
        _write(canvas, label, left, row, style, _WHITE if label == shown.label else _SOFT)
        middle = row.top + style.row // 2
        for colour, filled in ((_GROOVE, length), (_COLOURS[n % len(_COLOURS)], value * length)):
            if round(filled) >= 1:
                end = start + round(filled) - 1, middle + half
                cv2.rectangle(canvas, (start, middle - half), end, colour, cv2.FILLED)


def _draw_edge(canvas: Image, area: Area, colour: Colour, style: Style) -> None:
    edge = (area.left, area.top), (area.left + style.line, area.bottom - 1)
    cv2.rectangle(canvas, *edge, colour, cv2.FILLED)


def _darken(canvas: Image, area: Area, style: Style) -> None:
    """Blur and darken what lies behind text: a pattern is as hard to read on as a bright wall."""
    part = canvas[max(area.top, 0) : area.bottom, max(area.left, 0) : area.right]
    if part.size:
        cv2.blur(part, (style.text, style.text), dst=part)
        cv2.convertScaleAbs(part, dst=part, alpha=_BACKING, beta=10)


def _write(canvas: Image, text: str, left: int, area: Area, style: Style, colour: Colour) -> None:
    """Put ``text`` at a column, in the middle of an area's height."""
    baseline = area.top + (area.height + round(0.7 * style.text)) // 2
    weight = BOLD if colour == _WHITE else _REGULAR
    cv2.putText(canvas, text, (left, baseline), colour, font(), style.text, weight)
