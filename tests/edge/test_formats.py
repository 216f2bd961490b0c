"""What a line of a record says."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import datetime

import pytest

from edge.frames import Frame, Track
from edge.sinks.csv import Csv
from edge.sinks.jsonl import JsonLines
from tests.edge.fakes import LABELS, frames, image, result, row, square, track


def test_json_lines_say_everything_of_every_frame() -> None:
    form = JsonLines(LABELS)
    now, wall = time.monotonic(), time.time()
    content = form.record(frames(1)[0], result(0, [track(square(10, 20, 8))], now))
    content += form.record(frames(2)[1], result(1, [], now + 0.04))
    first, second = map(json.loads, content.splitlines())
    assert first["frame"] == 0
    assert first["monotonic_s"] == pytest.approx(now, abs=1e-5)
    captured = datetime.fromisoformat(first["captured_at"])
    assert captured.timestamp() == pytest.approx(wall, abs=0.5)
    assert first["tracks"] == [
        {
            "id": 1,
            "box": [6.0, 16.0, 14.0, 24.0],
            "label": "happy",
            "probabilities": {"angry": 0.1, "happy": 0.8, "sad": 0.1},
        }
    ]
    assert first["stage_ms"] == {"detect": 2.0, "crop": 0.5, "classify": 0.4, "track": 0.1}
    assert (second["frame"], second["tracks"]) == (1, [])


def test_csv_has_a_line_for_each_face_and_one_for_a_frame_without() -> None:
    form = Csv(LABELS)
    slow_to_change = Track(2, square(40, 20, 8), "sad", row(0.1, 0.5, 0.4), 1.0)
    unsure = Track(3, square(60, 20, 8), "uncertain", row(0.3, 0.4, 0.3), 1.0)
    named = Frame(image(), 1, 0.0, name='a "b",\r\n\udcff.png')
    content = (
        form.header
        + form.record(frames(1)[0], result(0, [track(square(10, 20, 8)), slow_to_change, unsure]))
        + form.record(named, result(1, []))
    )
    happy, sad, uncertain, nobody = csv.DictReader(io.StringIO(content.decode(), newline=""))
    assert ",".join(happy) == (
        "frame,image,captured_at,track,left,top,right,bottom,label,confidence,"
        "angry,happy,sad,detect_ms,crop_ms,classify_ms,track_ms"
    )
    datetime.fromisoformat(happy.pop("captured_at"))
    assert ",".join(happy.values()) == (
        "0,,1,6.00,16.00,14.00,24.00,happy,0.8000,0.1000,0.8000,0.1000,2.000,0.500,0.400,0.100"
    )
    assert (sad["label"], sad["confidence"]) == ("sad", "0.4000"), "the one that is shown"
    assert (uncertain["label"], uncertain["confidence"]) == ("uncertain", "0.4000")
    assert (nobody["frame"], nobody["image"]) == ("1", 'a "b",\r\n\\udcff.png')
    assert {nobody[name] for name in ("track", "left", "label", "confidence", *LABELS)} == {""}
    assert nobody["detect_ms"] == "2.000"
