"""What a broker is told of one camera: people and their expressions, now and in the last minute."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from edge.events import Event
from edge.types import Expression, Frame, FrameResult, Outage

_MINUTE = 60
_SOONEST, _BUSY, _IDLE = 1.0, 10.0, 30.0
"""Seconds between two states: at least; at most, with and without a face in the last minute."""
_SAMPLE = 0.095
"""Seconds between two results that count, a little less than 0.1."""
_LONGEST_STEP = 1.0
"""Seconds that a frame may stand for."""
_MISSED = 0.5
"""Seconds for which a face that is not found any more may still be there."""


class _Now(NamedTuple):
    """What makes a new state due when it changes."""

    people: int
    expression: str | None
    connected: bool


class CameraState:
    """The aggregate of one camera, fed by what a sink is given.

    People are those that events speak of, so that a face missed in one frame leaves nobody out; a
    person's label is the one that events told last. Faces of photographs, which have no events,
    count as they are. ``clock`` is in seconds of ``time.monotonic()``, other times are the
    source's.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the model's ``labels``."""
        self._source, self._connected = "", True
        self._labels = labels
        self._told: dict[int, str] = {}
        """Who is there: the label of each track."""
        self._faces: dict[int, tuple[float, Expression]] = {}
        """When each track was found last, and with what."""
        self._untracked: list[Expression] = []
        self._minute: deque[tuple[int, dict[str, float]]] = deque()
        """Seconds of each label in each second that has a face."""
        self._time = 0.0
        self._frames = 0
        self._sent: tuple[float, _Now] | None = None
        """When the newest state was sent, and what it said."""

    def write(self, frame: Frame, result: FrameResult) -> bool:
        """Take one result; return whether it counts, as one in 0.1 s does: shares need no more."""
        self._frames += 1
        if frame.source == self._source and 0 <= frame.time - self._time < _SAMPLE:
            return False
        if frame.source != self._source:  # another file
            self._source, self._time = frame.source, frame.time
            self._minute.clear()
            self._faces.clear()
        time = max(frame.time, self._time)  # an outage may have come after its capture
        step = min(time - self._time, _LONGEST_STEP)
        self._pass(time)
        self._connected = True
        self._untracked = [face.shown for face in result.faces if face.track_id is None]
        for face in result.faces:
            if face.track_id is not None:
                self._faces[face.track_id] = time, face.shown
            self._add(face.shown.label, step)
        return True

    def lost(self, outage: Outage) -> None:
        """Take one outage."""
        self._source = outage.source
        if outage.is_shown:
            self._connected = False
        self._pass(outage.time)

    def notice(self, event: Event) -> None:
        """Take one event."""
        if event.track is not None and event.label is not None:
            self._told[event.track] = event.label
            if event.kind == "left":
                del self._told[event.track]

    @property
    def complete(self) -> bool:
        """Whether the newest frame shows every face that was found a moment ago."""
        recent = [at for at, _ in self._faces.values() if self._time - at <= _MISSED]
        return all(at == self._time for at in recent)

    def due(self, clock: float) -> bool:
        """Whether it is time for a state: something changed, or the last one was long ago."""
        if self._sent is None:
            return True
        at, before = self._sent
        waited = clock - at
        if waited < _SOONEST:
            return False
        return waited >= (_BUSY if self._minute else _IDLE) or before != self._now()

    def to_dict(self, clock: float, dropped: int) -> dict[str, Any]:
        """Return the state as it is sent at ``clock``; ``dropped`` is how many events were."""
        since = clock - self._sent[0] if self._sent else 0.0
        fps = self._frames / since if since else 0.0
        now = self._now()
        self._sent, self._frames = (clock, now), 0
        faces = [*(shown for _, shown in self._faces.values()), *self._untracked]
        return {
            "source": self._source,
            **now._asdict(),
            "certain": any(face.certain and face.label == now.expression for face in faces),
            "share": self._shares(),
            "fps": round(fps, 1),
            "events_dropped": dropped,
            "wall_time": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _now(self) -> _Now:
        """The expression is that of most people, of equally many that of the higher probability."""
        count = Counter([*self._told.values(), *(face.label for face in self._untracked)])
        faces = [*(shown for _, shown in self._faces.values()), *self._untracked]

        def weight(label: str) -> tuple[int, float]:
            return count[label], sum(face.probabilities.get(label, 0.0) for face in faces)

        return _Now(count.total(), max(count, key=weight, default=None), self._connected)

    def _pass(self, time: float) -> None:
        """Let it be ``time``: forget what is too old."""
        self._time = time
        while self._minute and self._minute[0][0] <= time - _MINUTE:
            self._minute.popleft()
        self._faces = {
            track: (at, shown)
            for track, (at, shown) in self._faces.items()
            if track in self._told or time - at <= _MISSED
        }

    def _add(self, label: str, seconds: float) -> None:
        second = int(self._time)
        if not self._minute or self._minute[-1][0] != second:
            self._minute.append((second, defaultdict(float)))
        self._minute[-1][1][label] += seconds

    def _shares(self) -> dict[str, float]:
        """Each label's share of the time of all faces of the last minute; all 0 without one."""
        total = dict.fromkeys(self._labels, 0.0)
        for _, seconds_of in self._minute:
            for label, seconds in seconds_of.items():
                total[label] = total.get(label, 0.0) + seconds
        everything = sum(total.values()) or 1.0
        return {label: round(seconds / everything, 3) for label, seconds in total.items()}
