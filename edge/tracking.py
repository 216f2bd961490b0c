"""Identity over time, smoothed probabilities, and labels that don't flicker.

All memory is in seconds, never in frames, so that it means the same at 8 and at 60 frames a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.contract import UNCERTAIN
from edge.frames import Box, Face, Floats, Track
from edge.settings import Tracking

_REACH = 1.0
"""A face moves by less than its own side between two sightings, beyond what was predicted."""
_LARGEST_RESIZE = math.log(2)
"""…and its side changes by less than this factor, as a logarithm."""
_SPEED_SMOOTHING = 0.1
"""Time constant of a track's speed, seconds."""
_DOUBT = 1.5
"""How much longer than another label "uncertain" must hold: a real change mustn't pass through it,
and at 8 frames a second that takes a third frame."""
_LEAST = 0.005
"""What a probability counts for at least in a mean: one dead-sure frame must not outweigh many."""


class Tracker:
    """Follows faces from frame to frame.

    ``labels`` are the classifier's; below a top probability of ``uncertain_below`` a face has no
    label but ``"uncertain"``. It gets one at once where another leads then, and the one that it had
    after it was there for as long as a label must lead.

    Probabilities are smoothed as their logarithms, which is where a network's noise is: the plain
    mean of noisy rows is flatter than each of them, and would leave clear faces uncertain.
    """

    def __init__(
        self, labels: Sequence[str], uncertain_below: float, settings: Tracking | None = None
    ) -> None:
        """Start with no face known."""
        self._labels = tuple(labels)
        self._threshold = uncertain_below
        self._settings = settings or Tracking()
        # Where all others stand at their least, the mean nears once that much below 1, for ever.
        self._reachable = 1 - 2 * _LEAST * (len(self._labels) - 1)
        self._tracks: list[_Memory] = []
        self._next_id = 1

    def update(self, faces: Sequence[Face], probabilities: Floats, at: float) -> list[Track]:
        """Return a track for each of ``faces``, in their order.

        ``probabilities`` is ``float32[n, labels]``, a row for each face; ``at`` is the frame's
        capture time in monotonic seconds.
        """
        forget = self._settings.forget
        self._tracks = [track for track in self._tracks if at - track.seen_at <= forget]
        boxes = [face.box for face in faces]
        pairs = match([track.expected(at) for track in self._tracks], boxes)
        found = {face: self._tracks[track] for track, face in pairs}
        return [
            self._see(found.get(n), box, row, at)
            for n, (box, row) in enumerate(zip(boxes, probabilities, strict=True))
        ]

    def _see(self, memory: _Memory | None, box: Box, row: Floats, at: float) -> Track:
        if memory is None:
            memory = _Memory(self._next_id, box, row, at)
            memory.sure = bool(row[memory.leader] >= self._threshold)
            memory.label = memory.named = memory.leader if memory.sure else None
            self._next_id += 1
            self._tracks.append(memory)
        else:
            self._smooth(memory, row, at)
            memory.move(box, at)
            self._relabel(memory, at)
        label = UNCERTAIN if memory.label is None else self._labels[memory.label]
        return Track(memory.id, box, label, memory.probabilities, at - memory.born_at)

    def _smooth(self, memory: _Memory, row: Floats, at: float) -> None:
        keep = _decay(at - memory.seen_at, self._settings.smoothing)
        memory.probabilities = _mean(memory.probabilities, row, keep) if keep else row

    def _relabel(self, memory: _Memory, at: float) -> None:
        """Change the label to one that has led for ``hold`` seconds, and by enough.

        To uncertain, where none has reached the threshold for ``_DOUBT`` times as long.
        """
        row, hold = memory.probabilities, self._settings.hold
        best = int(row.argmax())
        if best != memory.leader:
            memory.leader, memory.leading_from = best, at
        sure = bool(row[best] >= self._threshold)
        if sure != memory.sure:
            memory.sure, memory.sure_from = sure, at
        if not sure and at - memory.sure_from >= _DOUBT * hold:
            memory.label = None
        elif sure and at - memory.leading_from >= hold and self._is_due(memory, at):
            memory.label = memory.named = best

    def _is_due(self, memory: _Memory, at: float) -> bool:
        """Whether the leader, which is above the threshold, leads by enough to be shown."""
        if memory.label is None:
            # A face at the threshold falls below it time and again: then it waits. One that has
            # changed has waited on its way up.
            again = memory.leader == memory.named
            return not again or at - memory.sure_from >= self._settings.hold
        lead = float(memory.probabilities[memory.label]) + self._settings.margin
        return bool(memory.probabilities[memory.leader] >= min(lead, self._reachable))


@dataclass(slots=True)
class _Memory:
    """What is known of one face.

    ``label`` is the index of the one that is shown, None for uncertain; ``named`` the last one that
    was; ``leader`` is that of the highest probability, since ``leading_from``; ``sure`` says
    whether that is at the threshold or above, since ``sure_from``.
    """

    id: int
    box: Box
    probabilities: Floats
    seen_at: float
    label: int | None = None
    named: int | None = None
    speed: tuple[float, float] = (0.0, 0.0)
    leader: int = -1
    leading_from: float = math.nan
    sure: bool = False
    sure_from: float = math.nan
    born_at: float = math.nan

    def __post_init__(self) -> None:
        self.born_at = self.leading_from = self.sure_from = self.seen_at
        self.leader = int(self.probabilities.argmax())

    def expected(self, at: float) -> Box:
        """Where the face should be at ``at`` if it keeps its speed (pixels a second)."""
        dx, dy = (speed * (at - self.seen_at) for speed in self.speed)
        box = self.box
        return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)

    def move(self, box: Box, at: float) -> None:
        """Note that the face was seen in ``box`` at ``at``."""
        seconds = at - self.seen_at
        if seconds > 0:
            keep = _decay(seconds, _SPEED_SMOOTHING)
            (x, y), (old_x, old_y), (vx, vy) = box.centre, self.box.centre, self.speed
            self.speed = (
                keep * vx + (1 - keep) * (x - old_x) / seconds,
                keep * vy + (1 - keep) * (y - old_y) / seconds,
            )
        self.box, self.seen_at = box, at


def _decay(seconds: float, constant: float) -> float:
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
