"""Every subject is measured in turn in a process of its own; one that fails stops no other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency, results
from benchmarks.errors import BenchmarkError, WorkerError
from benchmarks.latency import Effort
from benchmarks.process import Process
from benchmarks.subjects import COMPILED, TFLITE, Subject, subjects
from train.recipes import model_path

EFFORT = Effort(rounds=2, calls=3, frames=2)
FACES = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1), np.uint8)


@pytest.fixture(scope="module")
def samples(repository: Path) -> list[latency.Samples]:
    models = repository / "models"
    chosen = [
        Subject(models / "Finalmodel.h5", "int8", TFLITE, models / "Finalmodel.tflite"),
        Subject(models / "Finalmodel.h5", "broken", TFLITE, models / "README.md"),
        Subject(models / "Finalmodel.h5", "h5, compiled", COMPILED, models / "Finalmodel.h5"),
    ]
    return latency.measure(chosen, (1,), EFFORT, FACES)


def test_every_sample_is_kept_by_the_round(samples) -> None:
    for sample in (samples[0], samples[2]):
        assert not sample.error
        assert [len(values) for values in sample.face_ms] == [EFFORT.calls] * EFFORT.rounds
        assert [len(values) for values in sample.frame_ms] == [EFFORT.frames] * EFFORT.rounds
        assert len(sample.reference_ms) == EFFORT.rounds
        assert min(sample.face_ms[0]) > 0
        assert set(sample.stage_ms) == {"detect", "crop", "classify", "track"}
        assert sum(rounds[1][1] for rounds in sample.stage_ms.values()) <= sample.frame_ms[1][1]
        assert sample.load_ms > sample.first_ms > 0


def test_a_process_holds_its_subject_alone(samples) -> None:
    tflite_process, _, keras_process = samples
    assert keras_process.runtime.startswith("tensorflow")
    assert tflite_process.runtime.startswith("ai-edge-litert")
    assert tflite_process.memory_mb < 100 < keras_process.memory_mb


def test_one_that_does_not_load_says_why(samples) -> None:
    assert "README.md: expected" in samples[1].error
    assert samples[1].face_ms == []


def test_what_is_slow_is_called_as_often_as_its_time_allows() -> None:
    effort = Effort(rounds=20, calls=50, seconds=10)
    assert effort.invocations == 1000
    assert effort.share(50, 0.5) == 50
    assert effort.share(50, 9000) == 1


@pytest.mark.parametrize("milliseconds", [3.0, 9.9, 11.0, 19.0, 80.0, 300.0, 9000.0])
@pytest.mark.parametrize("faster", [1.0, 0.95, 0.91])
def test_all_calls_are_made_or_the_time_is_reached(milliseconds: float, faster: float) -> None:
    """Also by what is faster in its rounds than when it warmed up."""
    effort = Effort(rounds=20, calls=50, seconds=10)
    calls = effort.rounds * effort.share(effort.calls, milliseconds)
    assert calls == 1000 or calls * faster * milliseconds >= 10_000


def test_the_summary_names_the_failure(samples, repository: Path) -> None:
    h5 = repository / "models" / "Finalmodel.h5"
    broken = Subject(h5, "broken", TFLITE, repository / "models" / "README.md")
    chosen = [broken, *subjects([h5])[1:2]]
    result = results.summarise(chosen, samples, {}, EFFORT)
    assert "README.md" in result["subjects"][0]["error"]
    assert result["subjects"][1]["error"] is None
    assert result["subjects"][1]["sha256"] == hashlib.sha256(h5.read_bytes()).hexdigest()
    run = result["subjects"][1]["runs"][0]
    low, high = run["face_ms_interval"]["p50"]
    assert 0 < low <= run["face_ms"]["p50"] <= high
    assert run["invocations"] == EFFORT.rounds * EFFORT.calls


def test_one_row_of_all_is_the_deployed_one(repository: Path) -> None:
    chosen = subjects([model_path(name) for name in ("seed", "final")])
    assert [subject.name for subject in chosen if subject.deployed] == ["Finalmodel int8"]
    assert len({subject.name for subject in chosen}) == 12
    elsewhere = subjects([repository / "old" / "Finalmodel.h5"])
    assert not any(subject.deployed for subject in elsewhere)


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="different names"):
        subjects([Path("a/m.h5"), Path("b/m.h5")])


class Workers:
    """Starts workers that answer at once, and counts them and what they are asked for."""

    def __init__(self) -> None:
        self.alive = self.most = 0
        self.asked: list[str] = []
        self.turns: list[str] = []

    def start(self, subject: Subject, threads: int, faces: Path) -> Worker:
        return Worker(self, subject.variant, 4.0 if subject.yardstick else 1.0)


class Worker:
    """Each of its times is ``milliseconds``."""

    def __init__(self, workers: Workers, name: str, milliseconds: float) -> None:
        self._workers, self._name, self._milliseconds = workers, name, milliseconds

    def __enter__(self) -> Worker:
        self._workers.alive += 1
        self._workers.most = max(self._workers.most, self._workers.alive)
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.alive -= 1

    def loaded(self) -> dict:
        return {"runtime": "fake", "load_ms": 1.0, "first_ms": 1.0}

    def ask(self, request: str, **arguments: int) -> dict:
        self._workers.asked.append(request)
        if request == "latency":
            self._workers.turns.append(self._name)
        times = [self._milliseconds] * arguments.get("times", arguments.get("frames", 0))
        return {"ms": times, "mb": 1.0, "stage_ms": {"detect": times}}


def test_a_group_at_a_time_with_the_yardstick_in_each() -> None:
    chosen = subjects([model_path(name) for name in ("seed", "final")])
    workers = Workers()
    samples = latency.measure(chosen, (1, 2), EFFORT, FACES, workers.start)
    assert (workers.alive, workers.most) == (0, 9), "eight files at two threads, and the yardstick"
    result = results.summarise(chosen, samples, {}, EFFORT)
    ratios = {
        (row["name"], run["threads"]): run["against_seed"]["ratio"]
        for row in result["subjects"]
        for run in row["runs"]
    }
    assert len(ratios) == 4 + 2 * 8
    assert ratios.pop(("seed float32", 1)) == ratios.pop(("seed float32", 2)) == 1
    assert set(ratios.values()) == {0.25}
    loops = workers.asked.count("loop")
    assert loops == (len(ratios) + 2) * (2 + EFFORT.rounds), "what goes along runs no loop"


def test_another_is_first_in_each_round() -> None:
    files = [Subject(Path("m.h5"), name, TFLITE, Path(f"{name}.tflite")) for name in "abc"]
    workers = Workers()
    latency.measure(files, (1,), Effort(rounds=3, calls=2, frames=1), FACES, workers.start)
    assert "".join(workers.turns) == "aabbcc" + "abcbcacab", "after all have warmed up"


def test_a_worker_that_hangs_is_given_up(tmp_path: Path) -> None:
    hangs = (sys.executable, "-c", "import time; time.sleep(60)")
    subject = Subject(tmp_path / "m.h5", "int8", TFLITE, tmp_path / "m.tflite")
    start = time.monotonic()
    with (
        Process(subject, 1, tmp_path, limit=0.2, worker=hangs) as process,
        pytest.raises(WorkerError, match=r"^expected an answer .* within 0\.2 s"),
    ):
        process.loaded()
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("line", ["a library's greeting", '{"ms": [1.0', "7"])
def test_a_line_that_is_no_answer_is_one_good_line(tmp_path: Path, line: str) -> None:
    prints = (sys.executable, "-c", f"print({line!r}); input()")
    subject = Subject(tmp_path / "m.h5", "int8", TFLITE, tmp_path / "m.tflite")
    with (
        Process(subject, 1, tmp_path, worker=prints) as process,
        pytest.raises(WorkerError, match=r"^expected an answer of its process") as caught,
    ):
        process.loaded()
    assert line in str(caught.value)
    assert "measure again" in str(caught.value)


@pytest.mark.parametrize(
    ("then", "said"),
    [("exec sleep 60", r"within 0\.5 s, found none"), ("exit 1", "its process ended")],
)
def test_an_answer_that_is_cut_short_is_not_taken_for_what_something_printed(
    tmp_path: Path, then: str, said: str
) -> None:
    half = ("sh", "-c", f"printf '{{\"ms\": [1.0'; {then}")
    subject = Subject(tmp_path / "m.h5", "int8", TFLITE, tmp_path / "m.tflite")
    with (
        Process(subject, 1, tmp_path, limit=0.5, worker=half) as process,
        pytest.raises(WorkerError, match=said),
    ):
        process.loaded()


def test_what_a_library_prints_is_no_answer() -> None:
    """By Python's own print, and by what writes to the descriptor below it."""
    text = (
        "import os\nfrom benchmarks.answers import answers_alone\n"
        "with answers_alone() as answers:\n"
        "    print('hello'); os.system('echo there'); print('{}', file=answers)\n"
    )
    done = subprocess.run((sys.executable, "-c", text), capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
    assert sorted(done.stderr.split()) == ["hello", "there"]


def test_a_worker_has_no_opencv_before_its_memory_is_measured() -> None:
    text = "import sys, benchmarks.worker; print('cv2' in sys.modules)"
    done = subprocess.run((sys.executable, "-c", text), capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
