"""What those who look on cost: the worker, the broker, and how old a result is at the page."""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import publishing
from benchmarks.errors import WorkerError
from benchmarks.process import Process
from benchmarks.publishing_worker import RATE
from tests.benchmarks.samples import publishing as sample


def worker(model: Path, *asked: str) -> Process:
    return Process((sys.executable, "-m", "benchmarks.publishing_worker", str(model), *asked))


@pytest.mark.slow
def test_a_run_gives_each_frame_with_its_work_and_its_latency(repository: Path) -> None:
    with worker(repository / "models" / "Finalmodel.tflite") as process:
        assert process.reply() == {"ready": True}
        block = process.ask("block")
        assert len(block["frame"]) == len(block["latency"]) == 2 * RATE
        assert min(block["frame"]) > 0
        assert len(process.ask("reference")["ms"]) > 0


def test_what_can_not_be_built_is_one_line(tmp_path: Path) -> None:
    with (
        worker(tmp_path / "none.tflite") as process,
        pytest.raises(WorkerError, match=r"none\.tflite: expected a \.tflite file"),
    ):
        process.reply()


def test_the_age_of_a_result_is_from_its_capture_to_its_arrival() -> None:
    captured = datetime.fromtimestamp(time.time() - 0.2, UTC).isoformat()
    lines = [
        "event: hello\ndata: {}\n",
        f"event: now\ndata: {json.dumps({'result': {'wall_time': captured}})}\n",
        f"event: now\ndata: {json.dumps({'result': None})}\n",
    ]
    ages: list[float] = []
    publishing.note_ages(io.BytesIO("\n".join(lines).encode()), ages)
    (age,) = ages
    assert 200 <= age < 2000


def test_the_ratio_is_that_of_the_medians() -> None:
    assert sample().frame_ratio == pytest.approx(1.025)


def test_a_machine_without_a_broker_says_what_to_install() -> None:
    with (
        pytest.raises(WorkerError, match="expected mosquitto, found none; run 'apt install"),
        publishing.broker("no-such-program"),
    ):
        pass
