"""What the loop leaves for the page: the newest result of each source, the events, the counts.

The loop's thread writes and the server's threads read: what they share is replaced, not changed.
"""

from __future__ import annotations

import itertools
import math
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from edge.events import Event
from edge.types import Frame, FrameResult, Outage
from edge.web.bell import Bell

FILES = "files"
"""The source of all that is not live: videos and pictures follow one another."""
YOUNG = 5.0
"""Seconds for which the newest frame tells that all is well."""
BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latencies that are counted, in seconds."""
_KEPT = 50
"""Events that a new viewer is told."""
_RECENT = 30
"""Frames that the momentary speed is taken over."""


class Moment(NamedTuple):
    """What there is to show of a source: the newest frame with its result, or an outage.

    ``number`` grows with each. ``since`` is when the frame was captured, of files when it came, by
    ``time.monotonic()``; NaN before the first one.
    """

    number: int
    shown: tuple[Frame, FrameResult] | None
    since: float
    outage: Outage | None = None


_NOTHING = Moment(0, None, math.nan)


@dataclass
class Channel:
    """One source with its newest ``moment`` and its counts since the start."""

    name: str
    moment: Moment = _NOTHING
    frames: int = 0
    dropped: int = 0
    outages: int = 0
    faces: Counter[str] = field(default_factory=Counter)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    latency_sum: float = 0.0
    arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    recent: deque[FrameResult] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """The newest results: a face that was seen a moment ago is still to be hidden."""

    @property
    def fps(self) -> float:
        """Frames a second, of the newest ones; 0 while there are none."""
        times = tuple(self.arrivals)
        if len(times) < 2 or self.moment.outage:
            return 0.0
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)

    @property
    def title(self) -> str:
        """What people call it: of files the one that is shown."""
        shown = self.moment.shown
        return shown[0].source if shown else self.name


class Board:
    """Takes what a sink is given; ``clock`` is ``time.monotonic``, for captures too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no source."""
        self.channels: dict[str, Channel] = {}
        self.events: tuple[tuple[int, Event], ...] = ()
        """The newest ones with their numbers from 1, the oldest first."""
        self.told: Counter[str] = Counter()
        """Events by kind, since the start."""
        self.ended = False
        self.bell = Bell()
        self._clock = clock
        self._numbers = itertools.count(1)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one frame, which is not copied, with its result."""
        now = self._clock()
        channel = self._channel(frame.source if frame.live else FILES)
        channel.frames += 1
        channel.dropped += frame.dropped
        for face in result.faces:
            channel.faces[face.shown.label] += 1
        if frame.live:
            latency = now - frame.captured_at
            channel.latencies[bisect_left(BUCKETS, latency)] += 1
            channel.latency_sum += latency
        if channel.moment.outage:
            channel.arrivals.clear()  # the speed before it was another one
        channel.arrivals.append(now)
        channel.recent.append(result)
        since = frame.captured_at if frame.live else now
        channel.moment = Moment(channel.moment.number + 1, (frame, result), since)
        self.bell.ring()

    def lost(self, outage: Outage) -> None:
        """Take an outage that is worth telling."""
        channel = self._channel(outage.source)
        before = channel.moment
        channel.outages += before.outage is None and before.shown is not None
        told = (outage.state, outage.reason)
        if before.outage is None or (before.outage.state, before.outage.reason) != told:
            channel.moment = before._replace(number=before.number + 1, outage=outage)
            self.bell.ring()

    def notice(self, event: Event) -> None:
        """Take one event."""
        self.told[event.kind] += 1
        self.events = (*self.events[1 - _KEPT :], (next(self._numbers), event))
        self.bell.ring()

    def end(self) -> None:
        """Say that nothing more comes."""
        self.ended = True
        self.bell.ring()

    def find(self, name: str) -> Channel | None:
        """Return the source of that name, the first one where it is empty, None where none is."""
        channels = self.channels
        return channels.get(name) if name else next(iter(channels.values()), None)

    def age(self, since: float) -> float:
        """Return how many seconds ago ``since`` was."""
        return max(self._clock() - since, 0.0)

    def problem(self) -> str:
        """Why the page shows nothing that is true now; empty while all is well."""
        if not self.channels:
            return "no frame yet"
        live = [channel for channel in self.channels.values() if channel.name != FILES]
        problems = map(self._problem, live or self.channels.values())  # files are over by then
        return "; ".join(filter(None, problems))

    def _problem(self, channel: Channel) -> str:
        if outage := channel.moment.outage:
            return f"{channel.title}: {outage.state}" + (outage.reason and f" · {outage.reason}")
        age = self.age(channel.moment.since)
        return f"{channel.title}: no frame for {age:.0f} s" if age > YOUNG else ""

    def state(self, channel: Channel) -> dict[str, Any]:
        """Return what the page says of a source; ``age`` is null before the first frame."""
        moment = channel.moment
        return {
            "id": channel.name,
            "name": channel.title,
            "live": channel.name != FILES,
            "still": bool(moment.shown and moment.shown[0].still),
            "fps": round(channel.fps, 1),
            "age": round(self.age(moment.since), 3) if moment.shown else None,
            "dropped": channel.dropped,
            "outages": channel.outages,
            "lost": moment.outage.state if moment.outage else "",
            "reason": moment.outage.reason if moment.outage else "",
        }

    def _channel(self, name: str) -> Channel:
        channel = self.channels.get(name)
        if channel is None:
            channel = Channel(name)
            self.channels = {**self.channels, name: channel}
        return channel
