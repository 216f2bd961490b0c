"""Percentiles of too few samples are shown nowhere."""

from __future__ import annotations

import json

from benchmarks.report import support
from tests.benchmarks.device import LOOP, TIMES, result, subject

CAMERA = {"rate": 15, "frames": 120, "dropped": 0, "latency_ms": TIMES, "work_ms": TIMES}


def test_percentiles_of_too_few_samples_are_not_shown_whenever_they_were_written() -> None:
    shared = result(subject("int8"), loop=LOOP | {"camera": [CAMERA]})
    whole = json.loads(json.dumps(shared))  # as it is read: no part stands in two places
    raw = [
        {"subject": "int8", "threads": 1, "face_ms": [[1.0] * 10] * 20},
        {"subject": "int8", "threads": 1, "frame_ms": [[1.0] * 5] * 2},
        {"subject": "loop, 1 faces", "threads": 1, "frame_ms": [[1.0] * 25] * 40},
    ]
    shown = support.enough(whole, raw)
    run, other = shown["subjects"][0]["runs"]
    assert run["face_ms"] == TIMES | {"p99": None}
    assert run["face_ms_interval"]["p99"] is None
    assert run["face_ms_interval"]["p95"] is not None
    assert run["frame_ms"] == {"p50": 1.5, "p90": None, "p95": None, "p99": None}
    assert other["face_ms"] == TIMES  # nobody knows of how many
    none, one = shown["loop"]["stages"]
    assert none["frame_ms"] == one["stage_ms"]["detect"] == TIMES
    assert shown["loop"]["camera"][0]["latency_ms"] == TIMES | {"p95": None, "p99": None}
    assert whole["subjects"][0]["runs"][0]["face_ms"] == TIMES
