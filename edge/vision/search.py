"""Where to look for faces: from near to far, one or thirty.

A detector finds faces that have some pixels of its input. So a picture is looked at through
windows: the whole of it, tiles of it at several scales, and a window of its own around each known
face. ``FaceSearch`` plans the windows of the next frame from what was found in the frames before,
without a network, and ``find_faces`` has a detector look through them. What is found for the first
time is looked at again (``edge.vision.confirm``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.protocols import Detector, Window
from edge.settings import Settings
from edge.types import Box, Face, Image
from edge.vision.confirm import REJECT, SAME, confirm, log_odds, square_window
from edge.vision.rota import Tile, choose, sampled
from edge.vision.tracking import SPEED_SMOOTHING, Moving, decay, match

_TILE, _OVERLAP = 256, 56
"""Sides of a tile and of what two share, in input pixels: more than twice the smallest face, so
that one which a tile cuts is whole in its neighbour, or in a tile of the next scale."""
_LARGEST_SCALE = 2.0
"""Enlarging a picture beyond that shows a detector nothing new."""
_STILL = 1.25
"""How much finer a picture is looked at of which there is only this one."""
_CANDIDATE = 0.4
"""The score from which a tile's find is looked at again."""
_ACCEPT, _BY_PLACES = 1.6, 0.42
"""The sum of log-odds, its first look's among them, at which a candidate is a face. More are needed
the more places for a face of its size the picture has, each of which might look like one."""
_ACCEPT_WHOLE = 0.5
"""…for what the whole frame shows, which is seldom wrong: after one look at its own scale."""
_FORGET = 0.5
"""A known face that is not seen is looked for so long, seconds."""
_WHOLE_EVERY = 0.15
"""The whole frame is looked at so often, seconds, while a face is known; else on every frame."""
_KEEP = 0.6
"""A known face is seen from this part of the lowest score on."""
_FEW = 3
"""Up to so many known faces have larger windows: more of the input for each."""
_OWN = ((0.06, 96, 64, 1.8), (0.2, 96, 96, 2.4), (math.inf, 128, 128, 3.4))
"""Windows of known faces: up to this many seconds since a face was seen, input pixels with few
and with many faces, and the side in sides of the face."""


_SIZES, _PLACES = 4, 4
"""Own windows have so many sizes an octave, and so many places a side of the face."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How far to look: see ``Settings.min_face`` and ``Settings.search_budget``."""

    min_face: float = Settings.min_face
    budget: float = Settings.search_budget


class Known(NamedTuple):
    """A face of the frames before: where it should be now, and seconds since it was seen."""

    box: Box
    age: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at in one frame: ``whole``, the places of ``known`` faces, and ``tiles``.

    ``confirms`` says whether what is found there for the first time is looked at again.
    """

    whole: bool = True
    known: tuple[Known, ...] = ()
    tiles: tuple[Window, ...] = ()
    confirms: bool = True


WHOLE_ALONE = Plan(confirms=False)
"""The frame as the detector's makers look at it, believed at once."""


def tiles(
    height: int, width: int, min_face: float, least_px: int, input_px: int
) -> tuple[Window, ...]:
    """Cover a frame of ``height`` × ``width`` pixels for faces of ``min_face`` of its height.

    ``least_px`` and ``input_px`` are the detector's. The finest scale gives the smallest face its
    least pixels, and each further one half of them, down to the whole frame's own scale. Returns
    the tiles coarsest scale first; none where the whole frame shows such faces.
    """
    scale = min(least_px / (min_face * height), _LARGEST_SCALE)
    whole = input_px / max(height, width)
    found: list[Window] = []
    while scale > whole:
        found[:0] = _grid(height, width, scale)
        scale /= 2
    return tuple(found)


def _grid(height: int, width: int, scale: float) -> Iterator[Window]:
    """Tiles of one scale, evenly spread."""
    rows, columns = (min(math.ceil(side * scale), _TILE) for side in (height, width))
    for top in _origins(height, rows / scale, _OVERLAP / scale):
        for left in _origins(width, columns / scale, _OVERLAP / scale):
            yield Window(left, top, columns / scale, rows / scale, columns, rows)


def _origins(side: int, tile: float, overlap: float) -> NDArray[np.float64]:
    count = 1 if tile >= side else math.ceil((side - overlap) / (tile - overlap))
    return np.linspace(0, max(side - tile, 0), count)


def own_windows(known: Sequence[Known]) -> list[Window]:
    """Return a window for each known face: the longer it was not seen, the wider."""
    windows = []
    for box, age in known:
        _, few, many, sides = next(row for row in _OWN if age <= row[0])
        windows.append(square_window(_snapped(box), few if len(known) <= _FEW else many, sides))
    return windows


def _snapped(box: Box) -> Box:
    """A square about ``box`` that stays where it is while the face moves by little.

    What a detector says depends a little on where its window lies. A window that followed each box
    exactly would feed that back, and boxes would tremble more from frame to frame.
    """
    side = 2 ** (round(_SIZES * math.log2(max(box.width, box.height, 1.0))) / _SIZES)
    step = side / _PLACES
    x, y = (round(centre / step) * step for centre in box.centre)
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def find_faces(detector: Detector, image: Image, plan: Plan) -> Sequence[Face]:
    """Look at ``image`` (``uint8[H, W, 3]`` BGR) as planned; return the faces, best score first."""
    if not plan.confirms:
        return detector.detect(image)
    faces: list[Face] = []
    candidates: list[tuple[float, Face]] = []
    for known, window in zip(plan.known, own_windows(plan.known), strict=True):
        seen = detector.look(image, window, _KEEP * detector.min_score)
        own = min(seen, key=lambda face: _apart(face.box, known.box), default=None)
        if own and _apart(own.box, known.box) < 1 and _is_new(own.box, faces):
            faces.append(own)
        candidates += [(_needed(face, image), face) for face in seen if face is not own]
    if plan.whole:
        candidates += [(_ACCEPT_WHOLE, face) for face in detector.detect(image)]
    for window in plan.tiles:
        seen = detector.look(image, window, _CANDIDATE)
        candidates += [
            (_needed(face, image), face) for face in seen if _is_inside(face.box, window, image)
        ]
    for needed, face in sorted(candidates, key=lambda item: item[1].score, reverse=True):
        if _is_new(face.box, faces):
            confirmed = confirm(detector, image, face, needed)
            if confirmed and _is_new(confirmed.box, faces):
                faces.append(confirmed)
    return sorted(faces, key=lambda face: face.score, reverse=True)


def _needed(candidate: Face, image: Image) -> float:
    places = image.shape[0] * image.shape[1] / max(candidate.box.area, 1.0)
    return _ACCEPT + _BY_PLACES * math.log(max(places, 1.0))


class FaceSearch:
    """Plans where to look with ``detector`` in the frames of one source after the other."""

    def __init__(self, options: SearchOptions, detector: Detector) -> None:
        """Start with no face known."""
        self._min_face = options.min_face if detector.least_px else 0.0
        self._least_px, self._input_px = detector.least_px, detector.input_px
        self._budget = options.budget
        self.reset()

    def reset(self) -> None:
        """Forget all that was seen, as for a new source."""
        self._size = (0, 0)
        self._tiles: list[Tile] = []
        self._known: list[_Known] = []
        self._credit, self._turn = 0.0, 0
        self._whole_at = -math.inf

    def full(self, image: Image) -> Plan:
        """Plan for a photograph: everything, finer than a film of which there are more frames."""
        if not self._min_face:
            return WHOLE_ALONE
        return Plan(tiles=self._all_tiles(image.shape[0], image.shape[1], _STILL))

    def plan(self, image: Image, time: float, tiles: bool = True) -> Plan:
        """Plan for the next frame of a source, ``time`` in seconds.

        All tiles come with the first frame and then as often as the budget allows, but not at all
        without ``tiles``.
        """
        if not self._min_face:
            return WHOLE_ALONE
        self._begin((image.shape[0], image.shape[1]))
        known = tuple(Known(one.expected(time), time - one.seen) for one in self._known)
        whole = not known or time - self._whole_at >= _WHOLE_EVERY
        if whole:
            self._whole_at = time
        return Plan(whole, known, tuple(self._next_tiles(image)) if tiles else ())

    def note(self, faces: Sequence[Face], time: float) -> None:
        """Take the faces that were found in the frame of ``time``, in seconds."""
        pairs = match([one.expected(time) for one in self._known], [face.box for face in faces])
        for known, face in pairs:
            self._known[known].saw(faces[face], time)
        new = set(range(len(faces))) - {face for _, face in pairs}
        self._known += [_Known(faces[n].box, time, log_odds(faces[n].score)) for n in sorted(new)]
        self._known = [
            one for one in self._known if time - one.seen <= _FORGET and one.belief >= REJECT
        ]

    def discover(self, faces: Sequence[Face], time: float) -> None:
        """Take faces of an earlier frame, that of ``time``: the ones that are not known yet."""
        known = [one.expected(time) for one in self._known]
        self._known += [
            _Known(face.box, time, log_odds(face.score))
            for face in faces
            if all(box.iou(face.box) <= SAME for box in known)
        ]

    def _begin(self, size: tuple[int, int]) -> None:
        if size != self._size:
            self.reset()
            self._size = size
            self._tiles = [Tile(one) for one in self._all_tiles(*size)]

    def _all_tiles(self, height: int, width: int, finer: float = 1.0) -> tuple[Window, ...]:
        least_px = round(self._least_px * finer)
        return tiles(height, width, self._min_face, least_px, self._input_px)

    def _next_tiles(self, image: Image) -> Iterator[Window]:
        if not self._tiles:
            return
        samples = sampled(image)
        if self._turn == 0:
            self._turn = 1
            for tile in self._tiles:
                tile.looked(samples, self._size, 0)
                yield tile.window
            return
        costs = [tile.cost for tile in self._tiles]
        self._credit = min(self._credit + self._budget, sum(costs))
        while self._credit >= max(costs):
            self._turn += 1
            tile = choose(self._tiles, samples, self._size, self._turn)
            self._credit -= tile.cost
            tile.looked(samples, self._size, self._turn)
            yield tile.window


@dataclass(slots=True)
class _Known(Moving):
    """A face that is looked for, with a running mean of its log-odds."""

    belief: float

    def saw(self, face: Face, time: float) -> None:
        keep = decay(time - self.seen, SPEED_SMOOTHING)
        self.belief += (1 - keep) * (log_odds(face.score) - self.belief)
        self.move(face.box, time)


def _apart(box: Box, other: Box) -> float:
    """Distance of two centres in sides of ``other``."""
    (x, y), (other_x, other_y) = box.centre, other.centre
    return math.hypot(x - other_x, y - other_y) / max(other.width, other.height, 1e-3)


def _is_new(box: Box, faces: Iterable[Face]) -> bool:
    return all(box.iou(face.box) <= SAME for face in faces)


def _is_inside(box: Box, window: Window, image: Image) -> bool:
    """Whether ``window`` shows the whole of ``box``, but for what the picture's border cuts."""
    height, width = image.shape[:2]
    slack = 0.1 * box.width
    right, bottom = window.left + window.width, window.top + window.height
    return (
        (window.left <= 0 or box.left >= window.left - slack)
        and (window.top <= 0 or box.top >= window.top - slack)
        and (right >= width - 1 or box.right <= right + slack)
        and (bottom >= height - 1 or box.bottom <= bottom + slack)
    )
