"""Identity over time, smoothed probabilities, and labels that don't flicker.

All memory is in seconds, never in frames, so that it means the same at 8 and at 60 frames a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edge.contract import HOLD
from edge.settings import Tracking
from edge.types import Box, Expression, Face, Floats

_REACH = 1.0
"""A face moves by less than its own side between two frames, beyond what was predicted."""
_LARGEST_RESIZE = math.log(2)
"""…and its side changes by less than this factor, as a logarithm."""
SPEED_SMOOTHING = 0.1
"""Time constant of a track's speed, seconds."""
_KEEPS_MOVING = 0.25
"""Seconds for which a speed says where a face will be."""
_BAND = 0.1
"""How far a certain label's probability may fall below the threshold before it is not certain."""
_LEAST = 0.005
"""What a probability counts for at least in a mean: one dead-sure frame must not outweigh many."""


class Tracked(NamedTuple):
    """What is known of a face over time; ``age`` is seconds since its track began."""

    smoothed: Expression
    track_id: int
    age: float


def expression(
    labels: Sequence[str], row: Floats, uncertain_below: float, index: int | None = None
) -> Expression:
    """Return label ``index`` (by default the one that leads) of ``row``, ``float32[labels]``.

    It is certain where its probability is at least ``uncertain_below``.
    """
    values = row.tolist()
    index = values.index(max(values)) if index is None else index
    score = values[index]
    return Expression(
        labels[index], score, score >= uncertain_below, dict(zip(labels, values, strict=True))
    )


class Tracker:
    """Follows faces from frame to frame of one source.

    ``labels`` are the classifier's. Probabilities are smoothed as their logarithms, which is where
    a network's noise is: the plain mean of noisy rows is flatter than each of them, and would leave
    clear faces uncertain. A label changes to another one that has led for ``hold`` seconds and
    then leads by ``margin``. It is certain from a smoothed probability of ``uncertain_below`` on,
    until it falls clearly below that.
    """

    def __init__(
        self,
        labels: Sequence[str],
        uncertain_below: float,
        settings: Tracking | None = None,
        hold: float = HOLD,
    ) -> None:
        """Start with no face known."""
        self._labels = tuple(labels)
        self._threshold, self._hold = uncertain_below, hold
        self._settings = settings or Tracking()
        self._tracks: list[_Track] = []
        self._next_id = 1

    def reset(self) -> None:
        """Forget every face, as for a new source; the numbers of tracks go on."""
        self._tracks = []

    def update(self, faces: Sequence[Face], probabilities: Floats, time: float) -> list[Tracked]:
        """Return the track of each of ``faces``, in their order.

        ``probabilities`` is ``float32[n, labels]``, a row for each face; ``time`` is the frame's,
        in seconds.
        """
        forget = self._settings.forget
        self._tracks = [track for track in self._tracks if time - track.seen <= forget]
        boxes = [face.box for face in faces]
        pairs = match([track.expected(time) for track in self._tracks], boxes)
        known = {face: self._tracks[track] for track, face in pairs}
        return [
            self._update(known.get(n), box, row, time)
            for n, (box, row) in enumerate(zip(boxes, probabilities, strict=True))
        ]

    def _update(self, track: _Track | None, box: Box, row: Floats, time: float) -> Tracked:
        if track is None:
            track = _Track(box, time, self._next_id, row)
            self._next_id += 1
            self._tracks.append(track)
        else:
            keep = decay(time - track.seen, self._settings.smoothing)
            track.probabilities = _mean(track.probabilities, row, keep) if keep else row
            track.move(box, time)
            self._relabel(track, time)
        threshold = self._threshold - _BAND * track.certain
        smoothed = expression(self._labels, track.probabilities, threshold, track.label)
        track.certain = smoothed.certain
        return Tracked(smoothed, track.id, time - track.born)

    def _relabel(self, track: _Track, time: float) -> None:
        """Change the label to one that has led for ``hold`` seconds, and by ``margin``."""
        row = track.probabilities
        leader = int(row.argmax())
        if leader != track.leader:
            track.leader, track.leads_since = leader, time
        led = leader != track.label and time - track.leads_since >= self._hold
        if led and row[leader] >= row[track.label] + self._settings.margin:
            track.label, track.certain = leader, False


@dataclass(slots=True)
class Moving:
    """A face that was seen in ``box`` at ``seen`` seconds, and its ``speed`` in pixels a second."""

    box: Box
    seen: float
    speed: tuple[float, float] = field(default=(0.0, 0.0), kw_only=True)

    def expected(self, time: float) -> Box:
        """Where the face should be at ``time``: it keeps its speed, but not for long."""
        moving = min(time - self.seen, _KEEPS_MOVING)
        dx, dy = (speed * moving for speed in self.speed)
        box = self.box
        return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)

    def move(self, box: Box, time: float) -> None:
        """Note that the face was seen in ``box`` at ``time``."""
        seconds = time - self.seen
        if seconds > 0:
            keep = decay(seconds, SPEED_SMOOTHING)
            (x, y), (old_x, old_y), (vx, vy) = box.centre, self.box.centre, self.speed
            self.speed = (
                keep * vx + (1 - keep) * (x - old_x) / seconds,
                keep * vy + (1 - keep) * (y - old_y) / seconds,
            )
        self.box, self.seen = box, time


@dataclass(slots=True)
class _Track(Moving):
    """One face: ``label`` is the index of the one that is shown, ``leader`` the most probable."""

    id: int
    probabilities: Floats
    certain: bool = False
    label: int = field(init=False)
    leader: int = field(init=False)
    leads_since: float = field(init=False)
    born: float = field(init=False)

    def __post_init__(self) -> None:
        self.born = self.leads_since = self.seen
        self.label = self.leader = int(self.probabilities.argmax())


def decay(seconds: float, constant: float) -> float:
    """What an exponential filter of time ``constant`` keeps after ``seconds``."""
    return math.exp(-max(seconds, 0.0) / constant) if constant > 0 else 0.0


def _mean(before: Floats, now: Floats, keep: float) -> Floats:
    """The geometric mean of two ``float32[labels]``, ``before`` with weight ``keep``; sums to 1."""
    pairs = zip(before.tolist(), now.tolist(), strict=True)
    mixed = [max(old, _LEAST) ** keep * max(new, _LEAST) ** (1 - keep) for old, new in pairs]
    total = sum(mixed)
    return np.array([value / total for value in mixed], np.float32)


def match(before: Sequence[Box], now: Sequence[Box]) -> list[tuple[int, int]]:
    """Pair boxes of two moments, nearest first: (index in ``before``, index in ``now``).

    The distance is that of the centres in units of the smaller box's side, plus the logarithm of
    the ratio of the sides; what is too far apart on either count isn't paired.
    """
    new_places = [_place(box) for box in now]
    costs = sorted(
        (cost, n, m)
        for n, old in enumerate(map(_place, before))
        for m, new in enumerate(new_places)
        if (cost := _distance(old, new)) < math.inf
    )
    pairs: dict[int, int] = {}
    for _, n, m in costs:
        if n not in pairs and m not in pairs.values():
            pairs[n] = m
    return list(pairs.items())


def _place(box: Box) -> tuple[float, float, float]:
    """Centre (x, y) and side, in pixels."""
    return (*box.centre, max((box.width + box.height) / 2, 1e-3))


def _distance(old: tuple[float, float, float], new: tuple[float, float, float]) -> float:
    """Infinite where the two can't be places of the same face."""
    (x, y, side), (new_x, new_y, new_side) = old, new
    moved = math.hypot(new_x - x, new_y - y) / min(side, new_side)
    if moved > _REACH:
        return math.inf
    resized = abs(math.log(side / new_side))
    return moved + resized if resized <= _LARGEST_RESIZE else math.inf
