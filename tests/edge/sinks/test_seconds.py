"""Results by the second: what is over when, and what its records say."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from edge.records import SecondRecord
from edge.settings import Settings
from edge.sinks import find_adapter
from edge.sinks.seconds import Seconds
from edge.types import Expression, FaceResult, Frame, FrameResult
from tests.edge.sinks.makers import LABELS, expression, face, image, outage, square

SAD, HAPPY = expression("sad", 0.5, certain=False), expression("happy", 0.6)


def at(
    seconds: Seconds, time: float, *faces: FaceResult, source: str = "a.mp4", **more: Any
) -> list[SecondRecord]:
    """What comes of one frame."""
    frame = Frame(image(), 0, time, source, **more)
    return seconds.add(frame, FrameResult(source, 0, time, faces))


def person(track: int = 1, own: Expression = HAPPY, x: float = 10) -> FaceResult:
    return face(square(x, 20, 8), own, track)


def summary(records: list[SecondRecord]) -> list[tuple[str, float, int | None, int]]:
    return [(r["source"], r["time"], r.get("track"), r["frames"]) for r in records]


def test_a_second_has_a_record_for_each_face_with_its_means() -> None:
    seconds = Seconds()
    assert at(seconds, 4.1, person(1, SAD, 10), person(2)) == []
    assert at(seconds, 4.5, person(1, HAPPY, 13)) == []
    assert at(seconds, 4.99, person(1, HAPPY, 16)) == []
    first, second = at(seconds, 5.0, person(1))
    assert first == {
        "source": "a.mp4",
        "time": 4.0,
        "frames": 3,
        "track": 1,
        "box": [9.0, 16.0, 17.0, 24.0],
        "detection_score": 0.9,
        "label": "happy",
        "score": 0.4833,
        "certain": True,
        "certain_share": 0.6667,
        "shown": "happy",
        "probabilities": {"angry": 0.2167, "happy": 0.4833, "sad": 0.3},
    }
    assert (second["track"], second["frames"]) == (2, 1)
    assert summary(seconds.end()) == [("a.mp4", 5.0, 1, 1)]
    assert seconds.end() == []


def test_less_than_half_of_the_frames_make_no_certain_second() -> None:
    seconds = Seconds()
    for time in (0.0, 0.1):
        at(seconds, time, person(own=SAD))
    at(seconds, 0.2, person(own=HAPPY))
    [record] = seconds.end()
    assert (record["certain"], record["certain_share"], record["shown"]) == (False, 0.3333, "sad")


def test_frames_without_a_face_are_told_from_no_frames() -> None:
    seconds = Seconds()
    at(seconds, 0.0)
    assert at(seconds, 3.0) == [{"source": "a.mp4", "time": 0.0, "frames": 0}]
    at(seconds, 3.1, person())
    assert summary(seconds.end()) == [("a.mp4", 3.0, 1, 1)]


def test_a_photograph_is_over_at_once_with_a_record_for_each_face() -> None:
    seconds = Seconds()
    faces = [face(square(x, 20, 8), tracked=False) for x in (10, 30)]
    records = at(seconds, 0.0, *faces, source="a.jpg", still=True)
    assert summary(records) == [("a.jpg", 0.0, None, 1)] * 2
    assert [record["box"][0] for record in records] == [6.0, 26.0]
    assert summary(at(seconds, 0.0, source="b.jpg", still=True)) == [("b.jpg", 0.0, None, 0)]
    assert seconds.end() == []


def test_a_file_is_over_when_the_next_one_begins() -> None:
    seconds = Seconds()
    at(seconds, 7.5, person())
    assert summary(at(seconds, 0.0, person(), source="b.mp4")) == [("a.mp4", 7.0, 1, 1)]


def test_live_sources_side_by_side_have_seconds_of_their_own() -> None:
    seconds = Seconds()
    at(seconds, 0.1, person(), source="camera 0", live=True, wall_time=1e9)
    at(seconds, 7.2, person(), source="camera 1", live=True, wall_time=1e9)
    assert at(seconds, 0.3, person(), source="camera 0", live=True, wall_time=1e9 + 0.2) == []
    [record] = at(seconds, 1.1, source="camera 0", live=True, wall_time=1e9 + 1)
    assert record["frames"] == 2
    assert record["wall_time"] == "2001-09-09T01:46:39.900+00:00", "when the second began"
    left = seconds.end()
    assert {each["source"] for each in left} == {"camera 0", "camera 1"}


def test_the_last_second_of_the_files_is_over_with_the_first_live_frame() -> None:
    seconds = Seconds()
    at(seconds, 5.2, person())
    assert summary(at(seconds, 0.0, source="camera 0", live=True)) == [("a.mp4", 5.0, 1, 1)]


def test_an_outage_ends_the_second_of_its_source() -> None:
    seconds = Seconds()
    at(seconds, 100.2, person(), source="camera 0", live=True)
    at(seconds, 100.2, person(), source="camera 1", live=True)
    assert seconds.lost(outage(0.7)) == []
    assert summary(seconds.lost(outage(1.1))) == [("camera 0", 100.0, 1, 1)]
    assert seconds.lost(outage(2.2)) == []


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_file_gets_seconds_as_they_are_over_and_the_rest_at_its_end(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    settings = Settings(output=(path,), per="second")
    with find_adapter(path).open(path, LABELS, settings) as sink:
        for time in (0.0, 0.5, 1.0):
            frame = Frame(image(), 0, time, "a.mp4", live=True)
            assert path.exists() == (time > 1)
            sink.write(frame, FrameResult("a.mp4", 0, time, (person(),)))
        sink.lost(outage(1))
        assert path.exists()
    with path.open() as lines:
        rows = list(csv.DictReader(lines)) if suffix == ".csv" else list(map(json.loads, lines))
    assert [(float(row["time"]), int(row["frames"])) for row in rows] == [(0, 2), (1, 1)]
    if suffix == ".csv":
        assert list(rows[0]) == [
            *("source", "time", "wall_time", "track", "frames", "left", "top", "right", "bottom"),
            *("detection_score", "label", "score", "certain", "certain_share", "shown"),
            *("p_angry", "p_happy", "p_sad"),
        ]
        assert rows[0]["left"] == "6.0"
        assert "" not in {value for name, value in rows[0].items() if name != "wall_time"}
