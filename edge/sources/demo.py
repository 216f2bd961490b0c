"""A source without a camera: two public-domain portraits that move as people do.

Each portrait is a card that pans, zooms and tilts over a neutral background while a light wanders
over the picture. Every frame is a function of its index alone, and the true place of each face is
known.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.adapters import SourceAdapter
from edge.assets import read_asset
from edge.errors import AssetError, SettingsError
from edge.protocols import BaseSource
from edge.types import Box, Frame, Image

_FACES = {
    "astronaut": Box(176, 82, 274, 180),
    "grace hopper": Box(168, 148, 362, 342),
}
"""Where the face is in each picture, measured by hand: a square from the brows to the chin."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """How far a card reaches from the face's centre, in face sides, and how it moves.

    ``fill`` is the part of its cell that it takes up; the rest is room to move.
    """

    across: float
    above: float
    below: float
    fill: float
    zoom: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in face sides."""
        return 2 * self.across, self.above + self.below


_PORTRAIT = _Cut(across=1.0, above=1.22, below=1.15, fill=0.84, zoom=0.09)
# BlazeFace sees faces from about a seventh of the frame's width: in a crowd they get all the room.
_CROWD = _Cut(across=0.85, above=0.95, below=0.85, fill=1.0, zoom=0.03)
_MOST_PORTRAITS = 2
_TILT = math.radians(4)
_LIGHT_SCALE = 1 / 200
"""The light map holds gain × 200, so that it fits uint8."""
_MOST_FACES = 5
_FRAMES = 300


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture (``uint8[H, W, 3]`` BGR) and the box of its one face in pixels."""

    image: Image
    face: Box


def load_portraits() -> tuple[Portrait, ...]:
    """Read the two portraits from the assets; raises ``AssetError``."""
    return tuple(Portrait(_decode(name), face) for name, face in _FACES.items())


def _decode(name: str) -> Image:
    image = cv2.imdecode(np.frombuffer(read_asset(name), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise AssetError(f"{name}: expected a picture, found none; fetch the assets again")
    return np.asarray(image, np.uint8)


class DemoSource(BaseSource):
    """Moving portraits: ``faces`` of them (0…5), in turn from ``portraits``.

    ``size`` is (width, height) in pixels; ``frames`` is how many to give, 0 for no end; ``fps`` is
    the pace of the picture's own clock (frames come as fast as they are asked for).
    """

    name = "demo"

    def __init__(
        self,
        portraits: Sequence[Portrait],
        size: tuple[int, int] = (640, 360),
        frames: int = 0,
        fps: float = 30.0,
        faces: int = 2,
    ) -> None:
        """Prepare the cards; raises ``SettingsError`` where an argument is out of range."""
        if not (0 <= faces <= _MOST_FACES and frames >= 0 and fps > 0 and min(size) >= 64):
            raise SettingsError(
                f"demo: expected 0…{_MOST_FACES} faces, frames ≥ 0, fps > 0 and at least 64×64 "
                f"pixels, found {faces}, {frames}, {fps} and {size[0]}×{size[1]}"
            )
        self.fps = fps
        self._size, self._frames = size, frames
        cut = _PORTRAIT if faces <= _MOST_PORTRAITS else _CROWD
        self._movers = [
            _Mover(portraits[k % len(portraits)], cut, cell, phase=1.7 * k)
            for k, cell in enumerate(_cells(size, faces))
        ]
        self._background = _background(size)
        self._light = _light(size)

    @property
    def description(self) -> str:
        """Its size: "demo (640×360)"."""
        return f"{self.name} ({self._size[0]}×{self._size[1]})"

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames from index 0 on."""
        for index in itertools.islice(itertools.count(), self._frames or None):
            done = (index + 1) / self._frames if self._frames else math.nan
            yield Frame(self.render(index), index, index / self.fps, self.name, done=done)

    def render(self, index: int) -> Image:
        """Return frame ``index`` as ``uint8[H, W, 3]`` BGR."""
        canvas = self._background.copy()
        seconds = index / self.fps
        for mover in self._movers:
            mover.draw(canvas, seconds)
        width = self._size[0]
        shift = round(width * (0.5 + 0.5 * math.sin(2 * math.pi * seconds / 11)))
        lit = cv2.multiply(canvas, self._light[:, shift : shift + width], scale=_LIGHT_SCALE)
        return np.asarray(lit, np.uint8)

    def true_faces(self, index: int) -> tuple[Box, ...]:
        """Return the true box of each face in frame ``index``, in pixels."""
        return tuple(mover.face(index / self.fps) for mover in self._movers)


class _Mover:
    """One card and its path inside ``cell``; ``phase`` (radians) sets it apart from the others."""

    def __init__(self, portrait: Portrait, cut: _Cut, cell: Box, phase: float) -> None:
        side = cut.fill * min(cell.width / cut.size[0], cell.height / cut.size[1])
        self._side = side / (1 + cut.zoom)
        self._cut, self._cell, self._phase = cut, cell, phase
        self._card, self._alpha = _card(portrait, cut, self._side)

    def _pose(self, seconds: float) -> tuple[float, float, float, float]:
        """Face centre (x, y) in pixels, zoom and angle in radians."""
        cut, cell = self._cut, self._cell
        zoom = 1 + cut.zoom * self._wave(seconds, 7.0, 1.0)
        angle = _TILT * self._wave(seconds, 9.0, 2.0)
        room_x, room_y = (
            0.45 * (room - length * self._side * (1 + cut.zoom))
            for room, length in zip((cell.width, cell.height), cut.size, strict=True)
        )
        x, y = cell.centre
        x += room_x * self._wave(seconds, 8.0, 1.0)
        y += room_y * self._wave(seconds, 5.5, 1.3)
        return x, y + (cut.above - cut.below) / 2 * self._side * zoom, zoom, angle

    def _wave(self, seconds: float, period: float, weight: float) -> float:
        return math.sin(2 * math.pi * seconds / period + weight * self._phase)

    def face(self, seconds: float) -> Box:
        x, y, zoom, _ = self._pose(seconds)
        half = self._side * zoom / 2
        return Box(x - half, y - half, x + half, y + half)

    def draw(self, canvas: Image, seconds: float) -> None:
        """Blend the card into ``canvas`` where it is at ``seconds``."""
        x, y, zoom, angle = self._pose(seconds)
        turn = zoom * np.array(
            [(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))]
        )
        width, top, bottom = self._cut.across, -self._cut.above, self._cut.below
        corners = np.array([(-width, top), (width, top), (width, bottom), (-width, bottom)])
        reach = corners * self._side @ turn.T + (x, y)
        low = np.maximum(np.floor(reach.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(reach.max(axis=0)).astype(int), canvas.shape[1::-1])
        # Pixel centres lie at half-integers of the frame's coordinates, at integers of OpenCV's.
        anchor = np.array((self._cut.across, self._cut.above)) * self._side - 0.5
        shift = (x, y) - low - 0.5 - turn @ anchor
        affine = np.column_stack((turn, shift))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        region = canvas[low[1] : high[1], low[0] : high[0]]
        card = cv2.warpAffine(self._card, affine, size)
        alpha = cv2.warpAffine(self._alpha, affine, size)
        cv2.multiply(region, 255 - alpha, dst=region, scale=1 / 255)
        cv2.add(region, card, dst=region)


def _card(portrait: Portrait, cut: _Cut, side: float) -> tuple[Image, Image]:
    """The portrait cut to a card whose face has ``side`` pixels: premultiplied colour and alpha."""
    x, y = portrait.face.centre
    scale = side / portrait.face.width
    width, height = (round(length * side) for length in cut.size)
    # Area averaging before the moving part, which only ever scales by a few per cent.
    resized = cv2.resize(portrait.image, None, fx=scale, fy=scale, interpolation=_resampling(scale))
    left, top = round(x * scale - cut.across * side), round(y * scale - cut.above * side)
    edge = max(width, height)
    padded = cv2.copyMakeBorder(resized, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    card = padded[top + edge : top + edge + height, left + edge : left + edge + width]
    alpha = _rounded(width, height)
    return np.asarray(cv2.multiply(card, alpha, scale=1 / 255), np.uint8), alpha


def _resampling(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC


def _rounded(width: int, height: int) -> Image:
    """Alpha of a card with round corners and a soft edge, ``uint8[H, W, 3]``."""
    radius = round(0.06 * width)
    mask = np.zeros((height, width, 3), np.uint8)
    inner = (radius + 2, radius + 2), (width - radius - 3, height - radius - 3)
    cv2.rectangle(mask, *inner, (255, 255, 255), 2 * radius)
    cv2.rectangle(mask, *inner, (255, 255, 255), cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(mask, (3, 3), 0), np.uint8)


def _cells(size: tuple[int, int], faces: int) -> list[Box]:
    """Share the frame out: one row up to three faces, else two."""
    width, height = size
    rows = [faces] if faces <= 3 else [math.ceil(faces / 2), faces // 2]
    return [
        Box(
            width * column / columns,
            height * row / len(rows),
            width * (column + 1) / columns,
            height * (row + 1) / len(rows),
        )
        for row, columns in enumerate(rows)
        for column in range(columns)
    ]


def _background(size: tuple[int, int]) -> Image:
    """A grey wall, a little darker towards the floor."""
    width, height = size
    shade = np.linspace(178, 132, height)[:, np.newaxis, np.newaxis]
    tint = np.array((1.02, 1.0, 0.98))
    return np.asarray(np.broadcast_to(shade * tint, (height, width, 3)), np.uint8).copy()


def _light(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Gain × 200 of the wandering light, ``uint8[H, 2 W, 3]``: a window of it lights a frame."""
    width, height = size
    across = np.linspace(0, 2 * math.pi, 2 * width)
    gain = 0.93 + 0.2 * np.cos(across)
    wide = np.broadcast_to((200 * gain)[np.newaxis, :, np.newaxis], (height, 2 * width, 3))
    return np.asarray(np.rint(wide), np.uint8)


def open_demo(endless: bool) -> DemoSource:
    """Return the demo, of 10 s unless it is ``endless``; raises ``AssetError``."""
    return DemoSource(load_portraits(), frames=0 if endless else _FRAMES)


ADAPTER = SourceAdapter(
    DemoSource.name,
    matches=lambda address: address == DemoSource.name,
    open=lambda _, __, limits: open_demo(limits.endless),
    check=lambda *_: open_demo(endless=False).description,
)
