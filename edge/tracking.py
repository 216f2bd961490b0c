"""Identity over time, smoothed probabilities, and labels that don't flicker.

All memory is in seconds, never in frames, so that it means the same at 8 and at 60 frames a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.frames import Box, Face, Floats, Track
from edge.settings import Tracking

UNCERTAIN = "uncertain"
_REACH = 1.0
"""A face moves by less than its own side between two sightings, beyond what was predicted."""
_LARGEST_RESIZE = math.log(2)
"""…and its side changes by less than this factor, as a logarithm."""
_SPEED_SMOOTHING = 0.1
"""Time constant of a track's speed, seconds."""
_LEAST = 0.005
"""What a probability counts for at least in a mean: one dead-sure frame must not outweigh many."""


class Tracker:
    """Follows faces from frame to frame.

    ``labels`` are the classifier's; below a top probability of ``uncertain_below`` a face has no
    label but ``"uncertain"``, and gets one again once it is above by the margin of the settings.

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
            memory.label = memory.leader if row[memory.leader] >= self._threshold else None
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
        """Change the label to one that leads by ``margin`` and has led for ``hold`` seconds.

        To uncertain, where none has reached the threshold for as long.
        """
        row, hold = memory.probabilities, self._settings.hold
        best = int(row.argmax())
        if best != memory.leader:
            memory.leader, memory.leading_from = best, at
        sure = bool(row[best] >= self._threshold)
        memory.unsure_from = math.inf if sure else min(memory.unsure_from, at)
        if at - memory.unsure_from >= hold:
            memory.label = None
        elif sure and at - memory.leading_from >= hold and row[best] >= self._bar(memory):
            memory.label = best

    def _bar(self, memory: _Memory) -> float:
        """The probability from which another label is shown than now, one that can be reached."""
        shown = memory.label
        now = self._threshold if shown is None else float(memory.probabilities[shown])
        return min(now + self._settings.margin, self._reachable)


@dataclass(slots=True)
class _Memory:
    """What is known of one face.

    ``label`` is the index of the one that is shown, None for uncertain; ``leader`` is that of the
    highest probability, since ``leading_from``; ``unsure_from`` is when that fell below the
    threshold, infinite while it's above.
    """

    id: int
    box: Box
    probabilities: Floats
    seen_at: float
    label: int | None = None
    speed: tuple[float, float] = (0.0, 0.0)
    leader: int = -1
    leading_from: float = math.nan
    unsure_from: float = math.inf
    born_at: float = math.nan

    def __post_init__(self) -> None:
        self.born_at = self.leading_from = self.seen_at
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
    old, new = (np.maximum(row, _LEAST, dtype=np.float64) for row in (before, now))
    mixed = old**keep * new ** (1 - keep)
    return np.asarray(mixed / mixed.sum(), np.float32)


def match(before: Sequence[Box], now: Sequence[Box]) -> list[tuple[int, int]]:
    """Pair boxes of two moments, nearest first: (index in ``before``, index in ``now``).

    The distance is that of the centres in units of the smaller box's side, plus the logarithm of
    the ratio of the sides; what is too far apart on either count isn't paired.
    """
    costs = sorted(
        (cost, n, m)
        for n, old in enumerate(before)
        for m, new in enumerate(now)
        if (cost := _distance(old, new)) < math.inf
    )
    pairs: dict[int, int] = {}
    for _, n, m in costs:
        if n not in pairs and m not in pairs.values():
            pairs[n] = m
    return list(pairs.items())


def _distance(old: Box, new: Box) -> float:
    """Infinite where the two can't be the same face."""
    one, other = (max((box.width + box.height) / 2, 1e-3) for box in (old, new))
    moved = math.dist(old.centre, new.centre) / min(one, other)
    resized = abs(math.log(one / other))
    return moved + resized if moved <= _REACH and resized <= _LARGEST_RESIZE else math.inf
