"""The aggregate of one camera, and what Home Assistant makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.events import Event
from edge.sinks.home_assistant import discovery
from edge.sinks.mqtt_state import CameraState
from edge.types import FaceResult, FrameResult
from tests.edge.fakes import LABELS, frames, image, outage, says, seen, square
from tests.edge.sinks.makers import face

BOX = square(20, 20, 10)
RATE = 10.0


def feed(
    state: CameraState, faces: Sequence[FaceResult], seconds: float, begin: float = 0.0
) -> None:
    """Frames of a camera from ``begin`` on, each with ``faces``."""
    for n in range(round(seconds * RATE)):
        [frame] = frames(1, source="camera 0", live=True)
        at = begin + n / RATE
        moved = type(frame)(image(), n, at, "camera 0", live=True)
        state.write(moved, FrameResult("camera 0", n, at, tuple(faces)))


def event(kind: str, track: int | None = None, label: str | None = None) -> Event:
    return Event(kind, "camera 0", 0.0, track=track, label=label)  # type: ignore[arg-type]


def content(state: CameraState, clock: float = 0.0) -> dict[str, Any]:
    return state.to_dict(clock, 0)


def test_people_are_those_that_events_speak_of() -> None:
    state = CameraState(LABELS)
    state.notice(event("appeared", 1, "happy"))
    feed(state, [seen(BOX, "happy", 1)], 1)
    feed(state, [], 0.2, begin=1)  # missed in two frames
    assert content(state)["people"] == 1
    state.notice(event("left", 1, "happy"))
    assert (content(state)["people"], content(state)["expression"]) == (0, None)


def test_a_face_that_flickers_up_is_nobody_and_is_forgotten() -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX, "sad", 7)], 0.1)
    assert content(state)["people"] == 0
    feed(state, [], 2, begin=0.1)
    assert state._faces == {}


def test_the_expression_is_that_of_most_people_and_what_events_told_last() -> None:
    state = CameraState(LABELS)
    for track, label in ((1, "sad"), (2, "happy"), (3, "happy")):
        state.notice(event("appeared", track, label))
    assert content(state)["expression"] == "happy"
    state.notice(event("changed", 3, "sad"))
    assert content(state)["expression"] == "sad"


def test_of_equally_many_the_more_probable_one_is_named() -> None:
    state = CameraState(LABELS)
    state.notice(event("appeared", 1, "sad"))
    state.notice(event("appeared", 2, "happy"))
    sure, unsure = says("happy", 0.9), says("sad", 0.5, certain=False)
    feed(state, [face(BOX, unsure, 1), face(BOX, sure, 2)], 1)
    assert content(state)["expression"] == "happy"
    assert content(state)["certain"] is True


def test_it_is_certain_only_while_somebody_certainly_shows_it() -> None:
    state = CameraState(LABELS)
    state.notice(event("appeared", 1, "happy"))
    feed(state, [seen(BOX, "happy", 1, certain=False)], 1)
    assert content(state)["expression"] == "happy"
    assert content(state)["certain"] is False


def test_shares_are_of_the_time_of_all_faces_in_the_last_minute() -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX, "happy", 1)], 30)
    feed(state, [seen(BOX, "sad", 1)], 10, begin=30)
    assert content(state)["share"] == {"angry": 0, "happy": 0.749, "sad": 0.251}
    feed(state, [], 55, begin=40)
    assert content(state)["share"] == {"angry": 0, "happy": 0, "sad": 1.0}
    feed(state, [], 10, begin=95)
    assert content(state)["share"] == dict.fromkeys(LABELS, 0)


def test_a_gap_between_frames_counts_as_a_second_at_most() -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX, "happy", 1)], 2)
    feed(state, [seen(BOX, "sad", 1)], 0.1, begin=30)
    assert content(state)["share"]["sad"] == pytest.approx(1 / 2.9, abs=0.001)


def test_an_outage_lets_time_pass_and_says_so() -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX, "happy", 1)], 2)
    state.lost(outage())
    assert content(state)["connected"] is False
    assert content(state)["share"]["happy"] == 0  # it is 100 s later
    feed(state, [], 0.1, begin=102)
    assert content(state)["connected"] is True


def test_a_camera_that_never_opened_is_not_connected() -> None:
    state = CameraState(LABELS)
    state.lost(outage(0.0))
    assert content(state)["connected"] is False


def test_another_file_begins_a_minute_of_its_own() -> None:
    state = CameraState(LABELS)
    for name, label in (("a.mp4", "happy"), ("b.mp4", "sad")):
        for frame in frames(20, source=name):
            state.write(frame, FrameResult(name, frame.index, frame.time, (seen(BOX, label),)))
    assert content(state)["source"] == "b.mp4"
    assert content(state)["share"]["sad"] == 1


def test_faces_of_a_photograph_count_without_an_event() -> None:
    state = CameraState(LABELS)
    [photo] = frames(1, still=True)
    shown = (seen(BOX, "sad", None), seen(BOX, "sad", None))
    state.write(photo, FrameResult("fake", 0, 0.0, shown))
    assert (content(state)["people"], content(state)["expression"]) == (2, "sad")


def test_a_state_is_due_at_a_change_but_no_sooner_than_after_a_second() -> None:
    state = CameraState(LABELS)
    assert state.due(0)
    content(state, 0)
    state.notice(event("appeared", 1, "happy"))
    assert not state.due(0.9)
    assert state.due(1.0)
    content(state, 1)
    assert not state.due(29)


@pytest.mark.parametrize(("somebody", "pause"), [(True, 10), (False, 30)])
def test_it_is_due_without_a_change_as_well(somebody: bool, pause: int) -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX)] if somebody else [], 1)
    content(state, 0)
    assert not state.due(pause - 0.1)
    assert state.due(pause)


def test_the_speed_is_that_since_the_state_before() -> None:
    state = CameraState(LABELS)
    assert content(state, 0)["fps"] == 0
    feed(state, [], 5)
    assert content(state, 10)["fps"] == 5


def test_a_frame_in_which_a_face_is_missed_is_not_complete() -> None:
    state = CameraState(LABELS)
    feed(state, [seen(BOX, track_id=1), seen(BOX, track_id=2)], 1)
    assert state.complete
    feed(state, [seen(BOX, track_id=1)], 0.1, begin=1)
    assert not state.complete
    feed(state, [seen(BOX, track_id=1)], 1, begin=1.1)
    assert state.complete


# Home Assistant


def device(pictures: bool = False) -> Any:
    made = discovery("edge-1_cam", "pi camera 0", "a/cam", "a/availability", LABELS, pictures, "1")
    return json.loads(json.dumps(made))


def rendered(entity: dict[str, Any], key: str, payload: dict[str, Any]) -> str:
    """What Home Assistant makes of ``payload``; its templates are Jinja's."""
    import jinja2

    return jinja2.Template(entity[key]).render(value_json=payload)


def test_a_device_has_what_home_assistant_asks_for() -> None:
    made = device()
    assert made["dev"]["ids"] == ["edge-1_cam"]
    assert made["o"]["name"] == "edge-expressions"
    assert made["availability_topic"] == "a/availability"
    platforms = {name: entity["p"] for name, entity in made["cmps"].items()}
    assert platforms == {
        "people": "sensor",
        "expression": "sensor",
        "connected": "binary_sensor",
        "events": "event",
    }
    assert len({entity["unique_id"] for entity in made["cmps"].values()}) == 4


def test_there_is_a_picture_only_where_one_was_asked_for() -> None:
    assert "picture" not in device()["cmps"]
    assert device(pictures=True)["cmps"]["picture"]["image_topic"] == "a/cam/picture"


def test_its_templates_read_the_state() -> None:
    state = CameraState(LABELS)
    entities = device()["cmps"]
    empty = content(state)
    assert rendered(entities["expression"], "value_template", empty) == "none"
    state.notice(event("appeared", 1, "happy"))
    feed(state, [seen(BOX, "happy", 1)], 1)
    full = content(state)
    assert rendered(entities["people"], "value_template", full) == "1"
    assert rendered(entities["connected"], "value_template", full) == "ON"
    shown = rendered(entities["expression"], "value_template", full)
    assert shown == "happy"
    assert shown in entities["expression"]["options"]
    attributes = json.loads(rendered(entities["expression"], "json_attributes_template", full))
    assert attributes == {"angry": 0.0, "happy": 1.0, "sad": 0.0, "certain": True}


def test_its_template_reads_an_event() -> None:
    events = device()["cmps"]["events"]
    told = Event("changed", "camera 0", 3.0, 1.0, 1, "sad", 0.9, True, "happy", 2.0)
    read = json.loads(rendered(events, "value_template", told.to_dict()))
    assert read["event_type"] in events["event_types"]
    assert (read["from"], read["to"], read["duration"]) == ("happy", "sad", 2.0)


def test_the_page_names_the_entities_as_home_assistant_will(repository: Path) -> None:
    page = (repository / "docs" / "home-assistant.md").read_text("utf-8")
    for entity in device(pictures=True)["cmps"].values():
        assert f"`{entity['p']}.kitchen_camera_0_{entity['name'].lower()}`" in page
