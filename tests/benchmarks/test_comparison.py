"""A regression is one that two runs of the same code don't show."""

from __future__ import annotations

import copy
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import comparison
from benchmarks.__main__ import compare
from benchmarks.detector_worker import measure
from benchmarks.differences import TOO_FEW
from benchmarks.errors import BenchmarkError, ResultsError
from edge.classifier import load_classifier
from edge.detectors.blazeface import BlazeFace
from edge.frames import Detector, Face, Image
from tests.benchmarks.device import WHOLE
from tests.benchmarks.runs import ROUNDS, Run, compared, regressions, run, written


@pytest.mark.parametrize("drift", [1.0, 1.6, 0.6])
def test_two_runs_of_the_same_code_show_none(tmp_path: Path, drift: float) -> None:
    assert regressions(tmp_path, run(0), run(1, drift)) == []


@pytest.mark.parametrize("drift", [1.0, 0.6])
def test_two_milliseconds_in_a_stage_are_seen(tmp_path: Path, drift: float) -> None:
    slow = run(1, drift)
    for line in (slow["m int8"], slow["loop, 1 faces"]):
        for rounds in (line["frame_ms"], line["stage_ms"]["crop"]):
            rounds[:] = [[value + 2 for value in values] for values in rounds]
    assert regressions(tmp_path, run(0), slow) == [
        *("loop, 1 faces, 1 thread: crop", "loop, 1 faces, 1 thread: frame"),
        *("loop, 1 faces, 1 thread: frame, p95", "m int8, 1 thread: frame"),
        "m int8, 1 thread: frame, p95",
    ]


def stalling(lines: Run, every: int, rounds: int = ROUNDS) -> Run:
    """``lines`` with a stall of 4 ms in each so many frames of the loop."""
    rng = np.random.default_rng(3)
    stalls = 4.0 * (rng.permutation(rounds * 50) % every == 0).reshape(rounds, 50)
    times = 1.95 * rng.lognormal(0, 0.05, (rounds, 50)) + stalls
    reference = lines["loop, 1 faces"]["reference_ms"][:rounds]
    loop = {"threads": 1, "frame_ms": times.tolist(), "stage_ms": {}, "reference_ms": reference}
    return lines | {"loop, 1 faces": loop}


NEVER = 10_000


@pytest.mark.parametrize(
    ("every", "found"), [(NEVER, []), (1000, []), (20, ["p99"]), (10, ["p95", "p99"])]
)
def test_a_stall_now_and_then_is_seen_though_the_median_stays(
    tmp_path: Path, every: int, found: list[str]
) -> None:
    worse = regressions(tmp_path, stalling(run(0), NEVER), stalling(run(0), every))
    assert worse == [f"loop, 1 faces, 1 thread: frame, {percentile}" for percentile in found]


def test_of_too_few_samples_no_tail_is_compared(tmp_path: Path) -> None:
    """As a slow detector has them."""
    rows = compared(tmp_path, *(stalling(run(0), every, 3) for every in (NEVER, 10)))
    assert not any(row.regression or row.shown for row in rows)
    # Of the loop its whole frame too, of three rounds; of the file p99, of 300 samples.
    assert [row.what for row in rows if row.verdict == TOO_FEW] == [
        *(f"loop, 1 faces, 1 thread: frame{tail}" for tail in ("", ", p95", ", p99")),
        "m int8, 1 thread: frame, p99",
    ]
    assert comparison.summary(rows).startswith("4 figures compared, 0 worse, 4 of too few samples")


def test_microseconds_are_none_however_sure(tmp_path: Path) -> None:
    slow = run(1)
    rounds = slow["loop, 1 faces"]["stage_ms"]["track"]
    rounds[:] = [[1.5 * value for value in values] for values in rounds]
    assert regressions(tmp_path, run(0), slow) == []


def accuracy_lost(count: int) -> Callable[[Run], None]:
    def change(lines: Run) -> None:
        right = lines["m float32"]["right"]
        lines["m float32"]["right"] = right.replace("1", "0", count)

    return change


def fails(lines: Run) -> None:
    lines["m int8"] |= {"error": "its process ended", "face_ms": []}


def other_images(lines: Run) -> None:
    lines["m float32"] |= {"images": "def", "right": "0" * 1000}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (accuracy_lost(20), ["m float32: top-1"]),
        (accuracy_lost(5), []),
        (fails, ["m int8, 1 thread"]),
        (other_images, []),
    ],
)
def test_accuracy_and_failures(
    tmp_path: Path, change: Callable[[Run], None], found: list[str]
) -> None:
    new = copy.deepcopy(run(0))
    change(new)
    assert regressions(tmp_path, run(0), new) == found


def test_the_table_names_what_changed_and_the_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = run(1)
    accuracy_lost(100)(worse)
    paths = [written(tmp_path / name, x) for name, x in (("base", run(0)), ("new", worse))]
    assert compare(*paths) == 1
    assert "10 figures compared, 1 worse, 2 of too few samples" in capsys.readouterr().out
    assert compare(paths[0], paths[0]) == 0
    said = capsys.readouterr().out
    assert said.startswith("10 figures compared, 0 worse, 2 of too few samples")
    assert "A slowdown of less than 10% is not reported" in said
    with io.StringIO() as file:
        Console(width=80, file=file).print(comparison.table(comparison.compare(*paths)))
        text = file.getvalue()
    assert "less accurate" in text
    assert "m float32: top-1" in text
    assert "p < 0.01" in text, "what it takes stands beside the verdict"


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    base = written(tmp_path / "base", run(0))
    two = WHOLE["device"] | {"name": "two"}
    with pytest.raises(BenchmarkError, match="one machine, found one and two"):
        comparison.compare(base, written(tmp_path / "new", run(0), device=two))
    few = WHOLE["effort"] | {"rounds": 7}
    with pytest.raises(BenchmarkError, match="8 rounds or more, found 7"):
        comparison.compare(base, written(tmp_path / "new", run(0), effort=few))
    with pytest.raises(BenchmarkError, match=r"void \(throttled\)"):
        comparison.compare(base, written(tmp_path / "new", run(0), void="throttled"))
    with pytest.raises(BenchmarkError, match="same models"):
        comparison.compare(base, written(tmp_path / "new", {}))
    assert compare(base, base) == 0
    base.with_suffix(".jsonl").unlink()
    with pytest.raises(ResultsError, match="raw samples"):
        comparison.compare(base, base)


def without(lines: Run, *names: str) -> Run:
    return {name: line for name, line in lines.items() if name not in names}


@pytest.mark.parametrize(
    ("lost", "found"),
    [
        ("m int8", ["m int8, 1 thread"]),
        ("loop, 1 faces", ["loop, 1 faces, 1 thread"]),
        ("m float32", ["m float32"]),
    ],
)
def test_what_vanished_is_worse_unless_less_was_to_be_measured(
    tmp_path: Path, lost: str, found: list[str]
) -> None:
    base, new = run(0), without(run(1), lost)
    assert regressions(tmp_path, base, new) == found
    rows = compared(tmp_path, base, new, fewer=True)
    assert [row.what for row in rows if row.verdict == "missing"] == found
    assert not any(row.regression for row in rows)
    assert "1 missing" in comparison.summary(rows)


def test_a_figure_of_a_line_that_vanished_is_worse(tmp_path: Path) -> None:
    new = run(1)
    del new["loop, 1 faces"]["stage_ms"]["crop"]
    new["m int8"]["face_ms"] = []
    assert regressions(tmp_path, run(0), new) == [
        "loop, 1 faces, 1 thread: crop",
        "m int8, 1 thread: face",
    ]


def test_what_failed_in_both_runs_is_no_regression(tmp_path: Path) -> None:
    """Also where it had begun before."""
    base, new = run(0), run(1)
    for lines in (base, new):
        lines["m int8"]["error"] = "its process ended"
    assert regressions(tmp_path, base, new) == []


def test_other_images_are_said(tmp_path: Path) -> None:
    new = run(1)
    other_images(new)
    rows = compared(tmp_path, run(0), new)
    (row,) = [row for row in rows if row.shown]
    assert (row.what, row.verdict, row.note) == (
        *("m float32: top-1", "not compared"),
        "other images",
    )
    said = comparison.summary(rows)
    assert "9 figures compared, 0 worse, 1 not compared, 2 of too few samples" in said


class Sleepy:
    """A detector that takes so many milliseconds more."""

    def __init__(self, detector: Detector, milliseconds: float) -> None:
        self._detector, self._seconds = detector, milliseconds / 1e3

    def detect(self, image: Image) -> Sequence[Face]:
        time.sleep(self._seconds)
        return self._detector.detect(image)


def test_a_sleep_in_a_stage_is_a_regression_of_it(tmp_path: Path, repository: Path) -> None:
    """The loop itself, once as it is and once with a stage that sleeps."""
    classifier = load_classifier(repository / "models" / "Finalmodel.tflite")
    runs = [
        {"blazeface, 1 faces": {"threads": 1} | measure(detector, classifier, (1,), 8)[0]}
        for detector in (BlazeFace(), Sleepy(BlazeFace(), 10))
    ]
    found = regressions(tmp_path, *runs)
    assert {f"blazeface, 1 faces, 1 thread: {what}" for what in ("detect", "frame")} <= set(found)
