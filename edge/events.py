"""What happens to people and sources, found from one result after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from edge.errors import EdgeError
from edge.records import EventKind, EventRecord
from edge.types import Expression, FaceResult, Frame, FrameResult, Outage, iso_time

STARTS = 0.2
"""Seconds that a face must be followed to be a person: what flickers up is none."""

Item = tuple[Frame, FrameResult] | Outage


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a person before a camera or in a video, or to a source.

    "appeared": a face was there for long enough to be a person. "changed": its smoothed label
    became another one, and is certain; ``before`` is the one that it had. "left": it is gone.
    "source_lost" and "source_back": no frames come any more, and come again.

    ``time`` is when it is told, on the clock of ``Frame.time``, and ``wall_time`` of live sources
    the same in Unix seconds. ``track``, ``label``, ``score`` and ``certain`` are those of the
    smoothed result. ``duration`` is in seconds: how long the face is there ("appeared"), had the
    label before ("changed"), was there ("left"), how old the newest frame is ("source_lost"), or
    how long there was none ("source_back"). ``reason`` says why a source is lost.
    """

    kind: EventKind
    source: str
    time: float
    wall_time: float | None = None
    track: int | None = None
    label: str | None = None
    score: float | None = None
    certain: bool | None = None
    before: str | None = None
    duration: float = 0.0
    reason: str = ""

    def to_dict(self) -> EventRecord:
        """Return exactly a line of the events' file; what does not apply is left out."""
        content: EventRecord = {
            "event": self.kind,
            "source": self.source,
            "time": round(self.time, 6),
            "duration": round(self.duration, 3),
        }
        if self.wall_time is not None:
            content["wall_time"] = iso_time(self.wall_time)
        if self.track is not None:
            content["track"] = self.track
        if self.label is not None:
            content["label"] = self.label
        if self.score is not None:
            content["score"] = round(self.score, 4)
        if self.certain is not None:
            content["certain"] = self.certain
        if self.kind == "changed" and self.before is not None and self.label is not None:
            content["from"], content["to"] = self.before, self.label
        if self.reason:
            content["reason"] = self.reason
        return content


def with_events(items: Generator[Item], forget: float) -> Generator[Item | Event]:
    """Yield ``items`` and, before the one that shows it, each event.

    A person has left ``forget`` seconds after the face was last seen, when the source ends or
    fails, or when another one begins. Photographs have no events. Leaving it early closes
    ``items``, and nobody is told to have left.
    """
    watch = _Watch("", forget)
    with closing(items):
        try:
            for item in items:
                source = item.source if isinstance(item, Outage) else item[0].source
                if watch.source != source:
                    yield from watch.end()
                    watch = _Watch(source, forget)
                yield from watch.lost(item) if isinstance(item, Outage) else watch.write(*item)
                yield item
        except EdgeError:
            yield from watch.end()
            raise
    yield from watch.end()


@dataclass(slots=True)
class _Person:
    """A face that is followed since ``born`` and was last ``seen`` with the expression ``shown``.

    ``told`` is the label that was told last, None before the person has appeared, and ``since``
    when that label began.
    """

    born: float
    seen: float
    shown: Expression
    told: str | None = None
    since: float = 0.0


class _Watch:
    """The people of one source."""

    def __init__(self, source: str, forget: float) -> None:
        self.source, self._forget = source, forget
        self._people: dict[int, _Person] = {}
        self._began = False
        """Whether there was a frame: what is still being opened is not lost."""
        self._time = 0.0
        self._wall_time: float | None = None
        self._lost_at: float | None = None
        """Time of the newest frame before an outage that was told."""

    def write(self, frame: Frame, result: FrameResult) -> Iterator[Event]:
        self._began = True
        # A frame that an outage has overtaken is a moment older than that.
        self._time = max(self._time, frame.time)
        self._wall_time = frame.wall_time
        if self._lost_at is not None:
            yield self._event("source_back", duration=self._time - self._lost_at)
            self._lost_at = None
        for face in result.faces:
            if face.track_id is not None:
                yield from self._see(face.track_id, face)
        yield from self._forget_before(self._time)

    def lost(self, outage: Outage) -> Iterator[Event]:
        if self._wall_time is not None:
            self._wall_time += outage.time - self._time
        self._time = outage.time
        yield from self._forget_before(self._time)
        lost = self._began and outage.is_shown
        if lost and self._lost_at is None:
            self._lost_at = outage.time - outage.age
            yield self._event("source_lost", duration=outage.age, reason=outage.reason)

    def end(self) -> Iterator[Event]:
        """Everybody leaves."""
        yield from self._forget_before(float("inf"))

    def _see(self, track: int, face: FaceResult) -> Iterator[Event]:
        now, shown = self._time, face.shown
        person = self._people.get(track)
        if person is None:
            person = self._people[track] = _Person(now - face.age, now, shown)
        person.seen, person.shown = now, shown
        if person.told is None:
            if now - person.born >= STARTS:
                person.told, person.since = shown.label, person.born
                yield self._of("appeared", track, person, duration=now - person.born)
        elif shown.certain and shown.label != person.told:
            before, since = person.told, person.since
            person.told, person.since = shown.label, now
            yield self._of("changed", track, person, before=before, duration=now - since)

    def _forget_before(self, time: float) -> Iterator[Event]:
        """Let everybody leave who was not seen for ``forget`` seconds at ``time``."""
        gone = [n for n, person in self._people.items() if time - person.seen > self._forget]
        for track in gone:
            person = self._people.pop(track)
            if person.told is not None:
                yield self._of("left", track, person, duration=person.seen - person.born)

    def _of(self, kind: EventKind, track: int, person: _Person, **more: Any) -> Event:
        shown = person.shown
        return self._event(
            kind, track=track, label=shown.label, score=shown.score, certain=shown.certain, **more
        )

    def _event(self, kind: EventKind, **more: Any) -> Event:
        return Event(kind, self.source, self._time, self._wall_time, **more)
