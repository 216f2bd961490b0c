"""Events as lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.errors import TargetError
from edge.events import Event
from edge.sinks.events import EventSink, check
from edge.sinks.output import numbered
from tests.edge.sinks.makers import feed, frames, outage

CHANGED = Event("changed", "camera 0", 12.5, 1e9, 3, "happy", 0.81234, True, "neutral", 2.5)
LOST = Event("source_lost", "camera 0", 20.0, duration=2.0, reason="no frames")


def test_each_event_is_a_line_at_once_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "events.jsonl"
    for first in (CHANGED, LOST):
        with EventSink(path) as sink:
            feed(sink, frames(2))
            assert not path.exists() or first is LOST, "it begins with an event"
            for event in (first, LOST):
                sink.notice(event)
                assert json.loads(path.read_text().splitlines()[-1]) == event.to_dict()
            sink.lost(outage(1))
    assert (
        len(path.read_text().splitlines()) == len(numbered(path, 1).read_text().splitlines()) == 2
    )


def test_a_place_that_takes_no_events_is_refused(tmp_path: Path) -> None:
    for path in (Path("-"), Path("/dev/null"), tmp_path / "new" / "events.jsonl"):
        check(path)
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "events.jsonl"):
        for attempt in (lambda p=path: check(p), EventSink(path).__enter__):
            with pytest.raises(TargetError, match="expected a file in a folder"):
                attempt()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_change_says_from_what_to_what() -> None:
    assert CHANGED.to_dict() == {
        "event": "changed",
        "source": "camera 0",
        "time": 12.5,
        "wall_time": "2001-09-09T01:46:40.000+00:00",
        "track": 3,
        "label": "happy",
        "score": 0.8123,
        "certain": True,
        "from": "neutral",
        "to": "happy",
        "duration": 2.5,
    }
    assert set(LOST.to_dict()) == {"event", "source", "time", "duration", "reason"}
