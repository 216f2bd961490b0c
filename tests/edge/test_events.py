"""What is told of people and sources, and in which order."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceLostError
from edge.events import STARTS, Event, Item, with_events
from edge.types import LOST, FaceResult, Frame, FrameResult, Outage
from tests.edge.fakes import LABELS, image, says, seen, square

FORGET = 0.5
FPS = 10


@dataclass(frozen=True)
class Seen:
    """A face of a frame: the smoothed label, since when, and of whom."""

    label: str = "happy"
    age: float = 0.0
    track: int = 1
    certain: bool = True

    def result(self) -> FaceResult:
        face = seen(square(30, 20, 20), self.label, self.track, self.certain)
        return replace(face, age=self.age)


def shot(time: float, *faces: Seen, source: str = "fake", **more: object) -> Item:
    frame = Frame(image(), round(time * FPS), time, source, **more)  # type: ignore[arg-type]
    found = tuple(face.result() for face in faces)
    return frame, FrameResult(source, frame.index, time, found, wall_time=frame.wall_time)


def gap(time: float, age: float, reason: str = "", source: str = "fake") -> Outage:
    return Outage(source, time, age, reason)


def film(labels: Iterable[str | None], start: float = 0.0, track: int = 1) -> list[Item]:
    """A frame each 0.1 s with one face, or none; "sad?" is not certain."""
    items = []
    for n, label in enumerate(labels):
        face = label and Seen(label.rstrip("?"), n / FPS, track, not label.endswith("?"))
        items.append(shot(start + n / FPS, *([face] if face else [])))
    return items


def told(items: Iterable[Item], forget: float = FORGET) -> list[Event]:
    return [e for e in with_events((i for i in items), forget) if isinstance(e, Event)]


def test_who_is_followed_for_long_enough_has_appeared_and_leaves_at_the_end() -> None:
    appeared, left = told(film(["happy"] * 6))
    score = says("happy").score
    person = {"track": 1, "label": "happy", "score": score, "certain": True}
    assert appeared == Event("appeared", "fake", 0.2, duration=STARTS, **person)  # type: ignore[arg-type]
    assert left == Event("left", "fake", 0.5, duration=0.5, **person)  # type: ignore[arg-type]


def test_what_flickers_up_is_nobody() -> None:
    assert told(film(["happy", "happy", *[None] * 10])) == []


def test_who_was_followed_before_has_appeared_at_once() -> None:
    (appeared, *_) = told([shot(7.0, Seen(age=1.5))])
    assert (appeared.kind, appeared.time, appeared.duration) == ("appeared", 7.0, 1.5)


def test_a_change_says_from_what_and_how_long_that_was() -> None:
    _, *changes, _ = told(film(["happy"] * 4 + ["sad"] * 3 + ["happy"] * 2))
    assert [(e.kind, e.before, e.label) for e in changes] == [
        ("changed", "happy", "sad"),
        ("changed", "sad", "happy"),
    ]
    assert [e.time for e in changes] == [0.4, 0.7]
    assert [e.duration for e in changes] == pytest.approx([0.4, 0.3])


def test_a_label_that_is_not_certain_is_no_change() -> None:
    kinds = [e.kind for e in told(film(["happy"] * 4 + ["sad?"] * 3 + ["happy"] * 3))]
    assert kinds == ["appeared", "left"]
    _, changed, _ = told(film(["happy"] * 4 + ["sad?"] * 3 + ["sad"]))
    assert (changed.time, changed.before, changed.label) == (0.7, "happy", "sad")


def test_somebody_has_left_once_the_face_is_forgotten() -> None:
    _, left = told(film(["happy"] * 4 + [None] * 20))
    assert left.time == pytest.approx(0.9), "the first frame more than 0.5 s after 0.3 s"
    assert left.duration == pytest.approx(0.3)


def test_a_face_that_is_back_in_time_has_not_left() -> None:
    kinds = [e.kind for e in told(film(["happy"] * 4 + [None] * 4 + ["happy"]))]
    assert kinds == ["appeared", "left"]


def test_events_stand_before_the_frame_that_shows_them() -> None:
    items = film(["happy"] * 3)
    found = list(with_events((i for i in items), FORGET))
    assert [e.kind if isinstance(e, Event) else "item" for e in found] == [
        *("item", "item", "appeared", "item", "left")
    ]


def test_a_lost_source_and_its_return_are_told_once() -> None:
    outages = [gap(0.5 + n / 10, n / 10, source="camera 0") for n in range(1, 31)]
    items = [
        shot(0.5, source="camera 0", wall_time=100.0),
        *outages,
        shot(3.6, source="camera 0", wall_time=103.1),
        shot(3.7, source="camera 0", wall_time=103.2),
    ]
    lost, back = told(items)
    assert (lost.kind, lost.source, lost.reason) == ("source_lost", "camera 0", "")
    assert (lost.time, lost.duration) == pytest.approx((0.5 + LOST, LOST))
    assert lost.wall_time == pytest.approx(100.0 + LOST)
    assert (back.kind, back.time, back.wall_time) == ("source_back", 3.6, 103.1)
    assert back.duration == pytest.approx(3.1)
    assert (lost.track, lost.label, back.track) == (None, None, None)


def test_a_source_that_says_why_is_lost_at_once() -> None:
    (lost,) = told([shot(0.0), gap(0.1, 0.1, "unplugged"), gap(0.2, 0.2, "unplugged")])
    assert (lost.time, lost.duration, lost.reason) == (0.1, 0.1, "unplugged")


def test_a_slow_camera_is_not_lost() -> None:
    assert told([shot(0.0), gap(0.1, 0.1), gap(1.0, 1.0), shot(1.1)]) == []


def test_what_is_still_being_opened_is_not_lost() -> None:
    assert told([gap(0.0, 2.0), gap(0.0, 3.0, "refused"), shot(0.0)]) == []


def test_people_leave_while_a_source_is_lost() -> None:
    items = film(["happy"] * 4) + [gap(0.3 + n / 10, n / 10) for n in range(1, 25)]
    assert [e.kind for e in told(items)] == ["appeared", "left", "source_lost"]


def test_a_frame_that_an_outage_has_overtaken_does_not_turn_time_back() -> None:
    _, back, left = told(
        [shot(0.0, Seen(age=1)), gap(0.1, 0.1, "unplugged"), shot(0.0999, Seen(age=1))]
    )[-3:]
    assert (back.kind, back.time, left.time) == ("source_back", 0.1, 0.1)


def test_people_leave_where_another_source_begins() -> None:
    items = [shot(9.0, Seen(age=1), source="a"), shot(0.0, Seen(age=1, track=2), source="b")]
    assert [(e.kind, e.source, e.time) for e in told(items)] == [
        *(("appeared", "a", 9.0), ("left", "a", 9.0)),
        *(("appeared", "b", 0.0), ("left", "b", 0.0)),
    ]


def test_photographs_have_no_events() -> None:
    picture, _ = shot(0.0)  # type: ignore[misc]
    alone = seen(square(30, 20, 20), track_id=None)
    assert told([(picture, FrameResult("fake", 0, 0.0, (alone,)))]) == []


def test_people_leave_where_a_source_fails_which_is_raised_then() -> None:
    def failing() -> Generator[Item]:
        yield shot(0.0, Seen(age=1))
        raise SourceLostError("fake: lost")

    found: list[str] = []
    with pytest.raises(SourceLostError):
        found.extend(e.kind for e in with_events(failing(), FORGET) if isinstance(e, Event))
    assert found == ["appeared", "left"]


def test_leaving_it_early_closes_what_it_reads() -> None:
    closed = []

    def items() -> Generator[Item]:
        try:
            yield from film(["happy"] * 9)
        finally:
            closed.append(True)

    inner = items()
    outer = with_events(inner, FORGET)
    next(outer)
    outer.close()
    assert closed == [True]


def test_a_line_has_what_applies() -> None:
    appeared, changed, left = (e.to_dict() for e in told(film(["happy"] * 3 + ["sad"])))
    person = {"source", "time", "track", "label", "score", "certain", "duration", "event"}
    assert set(appeared) == set(left) == person
    assert set(changed) == person | {"from", "to"}
    assert (changed["from"], changed["to"], changed["label"]) == ("happy", "sad", "sad")
    (lost,) = (e.to_dict() for e in told([shot(0.0), gap(2.0, 2.0, "unplugged")]))
    assert lost == {
        "event": "source_lost", "source": "fake", "time": 2.0, "duration": 2.0,
        "reason": "unplugged",
    }  # fmt: skip


@st.composite
def sequences(draw: st.DrawFn) -> list[Item]:
    """Frames and outages of sources that follow one another, as a tracker gives them.

    A track that was not seen for longer than ``FORGET`` does not come back. A frame may be a little
    older than the outage before it.
    """
    items: list[Item] = []
    track = 0
    for source in draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)):
        now = newest = 0.0
        alive: dict[int, tuple[float, float]] = {}  # born, seen
        for step in draw(st.lists(st.floats(0.001, 1.0), max_size=25)):
            now += step
            if draw(st.booleans()) and draw(st.booleans()):
                reason = draw(st.sampled_from(["", "unplugged"]))
                items.append(gap(now, now - newest, reason, source))
                continue
            time = max(newest, now - draw(st.sampled_from([0.0, 0.0, 0.002])))
            alive = {n: at for n, at in alive.items() if time - at[1] <= FORGET}
            for _ in range(draw(st.integers(0, 2))):
                track += 1
                alive[track] = (time, time)
            faces = []
            for n, (born, _) in alive.items():
                if draw(st.booleans()) or born == time:
                    alive[n] = (born, time)
                    label, certain = draw(st.sampled_from(LABELS)), draw(st.booleans())
                    faces.append(Seen(label, time - born, n, certain))
            newest = time
            items.append(shot(time, *faces, source=source))
    return items


@given(sequences())
def test_whatever_comes_the_events_tell_one_story(items: list[Item]) -> None:
    found = list(with_events((i for i in items), FORGET))
    passed = [id(item) for item in found if not isinstance(item, Event)]
    assert passed == list(map(id, items)), "the same ones, in order"
    there: dict[tuple[str, int | None], str | None] = {}
    gone: set[int | None] = set()
    lost: set[str] = set()
    clocks: dict[str, float] = {}
    for event in (i for i in found if isinstance(i, Event)):
        who = event.source, event.track
        assert event.time >= clocks.get(event.source, 0.0)
        clocks[event.source] = event.time
        assert event.duration >= 0
        match event.kind:
            case "appeared":
                assert who not in there
                assert event.track not in gone
                assert event.duration >= STARTS
                there[who] = event.label
            case "changed":
                assert event.before == there[who] != event.label
                assert event.certain
                there[who] = event.label
            case "left":
                del there[who]
                gone.add(event.track)
            case "source_lost":
                assert event.source not in lost
                lost.add(event.source)
            case "source_back":
                lost.remove(event.source)
    assert there == {}, "everybody leaves"
