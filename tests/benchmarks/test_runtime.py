"""The runtime's own measurements: what is compared, and with what. No time is asserted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import camera, intervals, runtime, runtime_report
from benchmarks.errors import ResultsError, WorkerError
from benchmarks.footprint import disk_mb, measure
from benchmarks.memory import demo
from benchmarks.reference import CALLS
from benchmarks.turns import BLOCK, Scene
from edge.frames import FrameResult
from train.recipes import DEPLOYED, model_path


@pytest.fixture(scope="module")
def content(repository: Path) -> bytes:
    return (repository / model_path(DEPLOYED)).with_suffix(".tflite").read_bytes()


def test_every_face_is_found_and_the_frame_is_its_stages(content: bytes) -> None:
    images = {faces: demo(faces, 4) for faces in (0, 2)}
    measured = runtime.stages(content, images, 2, 10)
    assert [(row["faces"], row["found"]) for row, _ in measured] == [(0, 0), (2, 2)]
    for result, samples in measured:
        blocks = [*samples.pop("stage_ms").values(), *samples.values()]
        assert [[len(block) for block in blocks] for blocks in blocks] == [[BLOCK] * 2] * 7
        assert result["stage_ms"]["detect"]["p50"] < result["frame_ms"]["p50"]
    json.dumps(measured)


@pytest.mark.parametrize(
    ("faces", "at_once", "calls"),
    [(0, 2, 0), (1, 2, 1), (2, 2, 1), (3, 2, 2), (5, 2, 3), (5, 1, 5)],
)
def test_a_frame_is_compared_with_the_calls_that_follow_one_another(
    faces: int, at_once: int, calls: int
) -> None:
    class Pipeline:
        def process(self, frame: object) -> FrameResult:
            return FrameResult(0, 0.0, (), {"detect": 1.0})

    scene = Scene(faces, demo(0, 1), Pipeline(), {})
    scene.take()
    scene.frame_ms, scene.beside_ms = [[12.0] * 4], {"detector": [[2.0]], "classifier": [[1.0]]}
    figures = runtime.figures(scene, at_once)
    assert figures["classifier_calls"] == calls
    assert figures["over_networks"] == pytest.approx(12 / (2 + calls))


def test_rarer_detection_is_compared_with_detection_on_every_frame(content: bytes) -> None:
    rows, samples = intervals.measure(content, 1, 40, 4)
    assert [row["subject"] for row in rows[:-1]] == [f"every {k}" for k in intervals.INTERVALS]
    first, *others = rows
    assert (first["found"], first["overlap"], first["same_label"]) == (1, 1, 1)
    for row in others:
        assert row["found"] == 1
        assert 0.7 < row["overlap"] <= 1
    assert rows[-1]["subject"].startswith("budget")
    for row, sample in zip(rows, samples, strict=True):
        low, high = row["mean_ms_interval"]
        assert 0 < low <= row["mean_ms"] <= high
        assert (row["frames"], row["p95_ms"]) == (40, None), "so few frames have no p95"
        assert [len(block) for block in sample["cost_ms"]] == [10] * 4
    assert [s["subject"] for s in samples][0::4] == ["detection, every 1", "detection, budget"]
    assert ["reference_cost_ms" in s for s in samples] == [False, True, True, True, True]
    json.dumps([rows, samples])


def test_a_paced_camera_loses_no_frame_to_a_fast_loop(content: bytes) -> None:
    result, samples = camera.measure(content, demo(1, 2), 20, 0.4, 2)
    assert 4 <= result["frames"] + result["dropped"] <= 9
    assert result["latency_ms"]["p50"] >= result["work_ms"]["p50"]
    low, high = result["latency_ms_interval"]["p50"]
    assert low <= result["latency_ms"]["p50"] <= high
    assert result["work_ms"]["p95"] is None, "so few frames have no p95"
    assert len(samples["latency_ms"]) == len(samples["work_ms"]) == 2
    assert samples["subject"] == "camera, 20 a second"
    assert len(samples["pace_ms"]) == 2 * CALLS


def test_the_paced_camera_keeps_its_pace_and_makes_up_for_a_late_reader() -> None:
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    capture = camera.PacedCapture(demo(1, 1), 10, lambda: now[0], sleep)
    capture.read()
    now[0] += 0.25
    capture.read()
    capture.read()
    capture.read()
    assert waits == pytest.approx([0.1, 0, 0, 0.05])


def test_the_size_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/file").write_bytes(b"x" * 3_000_000)
    (tmp_path / "link").symlink_to(tmp_path / "inner/file")
    assert disk_mb(tmp_path) == pytest.approx(3, rel=0.01)


def test_another_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="make run-edge"):
        measure(tmp_path / "python")
    failing = tmp_path / "failing"
    failing.write_text(f"#!{sys.executable}\nraise SystemExit(3)")
    failing.chmod(0o755)
    with pytest.raises(WorkerError, match="ended with 3"):
        measure(failing)


def test_a_run_that_hangs_is_ended(tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)")
    hanging.chmod(0o755)
    with pytest.raises(WorkerError, match="took too long"):
        measure(hanging, limit=0.3)


def test_a_run_that_hangs_after_its_result_is_ended_too(tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text(f"#!/bin/sh\necho >> {tmp_path}/starts\necho frame 1\nexec sleep 10\n")
    hanging.chmod(0o755)
    with pytest.raises(WorkerError, match="took too long"):
        measure(hanging, limit=1)
    assert (tmp_path / "starts").read_text() == "\n", "there was a second start"


def test_starts_are_five_at_least_and_kept(tmp_path: Path) -> None:
    quick = tmp_path / "bin" / "quick"
    quick.parent.mkdir()
    quick.write_text("#!/bin/sh\necho frame 1\n")
    quick.chmod(0o755)
    figures, samples = measure(quick)
    assert len(samples["start_s"]) == figures["starts"] == 5
    assert len(samples["pace_ms"]) == 5 * CALLS
    low, high = figures["start_s_interval"]
    assert low <= figures["start_s"] <= high
    assert measure(quick, seconds=0.1)[0]["starts"] >= 5


LOOP = {
    "footprint": {
        **{"start_s": 0.345, "start_s_interval": [0.3, 0.4], "frames": 1000},
        **{"memory_mb": 91.2, "environment_mb": 312.3},
    },
    "stages": [
        {
            "faces": faces,
            "frame_ms": {"p50": 1.5 * faces, "p90": 1.9, "p95": 2.0, "p99": 3.0},
            "stage_ms": {s: {"p50": 0.25} for s in ("detect", "crop", "classify", "track")},
            "invoke_ms": {"detector": {"p50": 1.0}, "classifier": {"p50": 0.25}},
            **{"over_networks": 1.2, "classifier_calls": faces},
        }
        for faces in (1, 5)
    ],
    "throughput": [
        {"faces": faces, "networks": networks, "fps": 100.4 * networks - faces}
        for faces in (0, 5)
        for networks in (1, 2)
    ],
    "intervals": [
        {
            **{"subject": "every 2", "mean_ms": 1.0, "p95_ms": 2.0},
            **{"found": 1.0, "overlap": 0.97, "same_label": 0.995},
        }
    ],
    "camera": [
        {
            **{"rate": 30, "frames": 240, "dropped": 1},
            "latency_ms": {"p50": 2.0, "p90": 2.5, "p95": 3.0, "p99": 4.0},
            "work_ms": {"p95": 2.5},
        }
    ],
}
RESULT = {
    **{"machine": "a processor", "commit": "abc", "date": "2026-01-01"},
    "loop": LOOP,
}


def test_the_tables_show_the_figures() -> None:
    sections = runtime_report.sections(RESULT)
    row = "| 1 | 0.25 | 0.25 | 0.25 | 0.25 | 1.50 / 2.00 / 3.00 | 1.20 × | 1.00 + 0.25 |"
    assert row in sections["stages"]
    assert "5 faces take 5.00 times" in sections["stages"]
    assert "0.34 s, resident memory at most 91 MB" in sections["stages"]
    assert "| frames at a time | 0 faces | 5 faces |" in sections["throughput"]
    assert "| 2 | 201 | 196 |" in sections["throughput"]
    assert "| every 2 | 1.00 | 2.00 | 100.0% | 0.970 | 99.5% |" in sections["intervals"]
    assert "| 30 | 240 | 1 | 2.0 / 3.0 / 4.0 | 2.5 |" in sections["camera"]


def test_a_loop_that_was_not_measured_has_no_tables() -> None:
    with pytest.raises(ResultsError, match="make bench"):
        runtime_report.sections(RESULT | {"loop": None})
