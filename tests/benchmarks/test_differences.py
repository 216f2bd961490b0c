"""What has no reference in each round is compared within a tolerance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import ResultsError
from tests.benchmarks.runs import ROUNDS, Run, compared, regressions, run


def whole(seed: int, drift: float = 1.0) -> Run:
    """A run with all that has no reference, too."""
    rng = np.random.default_rng(seed + 100)

    def times(value: float, rounds: int, each: int) -> list[list[float]]:
        return (value * drift * rng.lognormal(0, 0.1, (rounds, each))).tolist()

    lines = run(seed, drift)
    lines["m int8"] |= {
        "load_ms": 300 * drift * rng.lognormal(0, 0.1),
        **{
            "first_ms": 40 * drift * rng.lognormal(0, 0.1),
            "memory_mb": 60 * rng.lognormal(0, 0.01),
        },
    }
    every = times(3, ROUNDS, 50)
    lines["detection, every 2"] = {
        "threads": 1,
        "cost_ms": [[value / 2 for value in values] for values in every],
        "reference_cost_ms": every,
    }
    lines["camera, 30 a second"] = {
        **{"threads": 1, "frames": 600, "dropped": 2, "latency_ms": times(4, ROUNDS, 30)},
        "work_ms": times(3, ROUNDS, 30),
    }
    lines["a run"] = {"start_s": times(0.4, 1, 25)[0], "memory_mb": 110.0}
    lines["throughput, 1 faces"] = {"threads": 2, "fps": [500 / t[0] for t in times(1, ROUNDS, 1)]}
    for name in ("camera, 30 a second", "a run", "throughput, 1 faces"):
        lines[name]["pace_ms"] = times(1.1, 1, 40)[0]
    return lines


@pytest.mark.parametrize("drift", [1.0, 1.6, 0.6])
def test_what_has_no_reference_shows_no_difference_of_the_machine(
    tmp_path: Path, drift: float
) -> None:
    rows = compared(tmp_path, whole(0), whole(1, drift))
    assert [row.what for row in rows if row.regression] == []
    assert len(rows) == 12 + 3 + 1 + 2 + 2 + 1


def scaled(key: str, factor: float, subject: str) -> Callable[[Run], None]:
    def change(lines: Run) -> None:
        value = np.asarray(lines[subject][key]) * factor
        lines[subject][key] = value.tolist()

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (scaled("load_ms", 4, "m int8"), "m int8, 1 thread: load"),
        (scaled("first_ms", 4, "m int8"), "m int8, 1 thread: first call"),
        (scaled("memory_mb", 1.2, "m int8"), "m int8, 1 thread: memory"),
        (scaled("start_s", 2, "a run"), "a run: start"),
        (scaled("memory_mb", 1.2, "a run"), "a run: memory"),
        (scaled("latency_ms", 2, "camera, 30 a second"), "camera, 30 a second, 1 thread: latency"),
        (scaled("dropped", 40, "camera, 30 a second"), "camera, 30 a second, 1 thread: dropped"),
        (
            scaled("cost_ms", 1.3, "detection, every 2"),
            "detection, every 2, 1 thread: frame, against every 1",
        ),
        (
            scaled("fps", 0.5, "throughput, 1 faces"),
            "throughput, 1 faces, 2 threads: time of a frame in memory",
        ),
    ],
)
def test_what_has_no_reference_is_compared_too(
    tmp_path: Path, change: Callable[[Run], None], found: str
) -> None:
    new = whole(1)
    change(new)
    assert regressions(tmp_path, whole(0), new) == [found]
    better = whole(0)
    change(better)
    assert regressions(tmp_path, better, whole(1)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines["m int8"]["reference_ms"].pop(),
        lambda lines: lines["m int8"]["face_ms"][3].clear(),
        lambda lines: lines["m float32"].update(right="01"),
        lambda lines: lines["camera, 30 a second"].update(latency_ms=[]),
        lambda lines: lines["a run"].update(start_s=[]),
        lambda lines: lines["a run"].update(pace_ms=[]),
        lambda lines: lines["throughput, 1 faces"].pop("pace_ms"),
    ],
)
def test_lines_that_contradict_themselves_are_one_good_line(
    tmp_path: Path, change: Callable[[Run], None]
) -> None:
    new = whole(1)
    change(new)
    with pytest.raises(ResultsError, match="make bench"):
        compared(tmp_path, whole(0), new)


def test_rounds_of_several_lengths_are_said_with_their_lengths(tmp_path: Path) -> None:
    new = run(1)
    new["m int8"]["frame_ms"][3].pop()
    with pytest.raises(ResultsError, match="rounds of one length, found such of 14, 15 samples;"):
        compared(tmp_path, run(0), new)


def test_the_pace_of_the_machine_is_taken_out(tmp_path: Path) -> None:
    """The machine was slow just while the starts were measured, which the others don't tell."""
    base, new = whole(0), whole(1)
    scaled("start_s", 3, "a run")(new)
    for lines, pace in ((base, 1.0), (new, 3.0)):
        lines["a run"]["pace_ms"] = [pace] * 40
    assert regressions(tmp_path, base, new) == []


def test_of_a_few_rounds_nothing_is_concluded(tmp_path: Path) -> None:
    """As a slow detector has them, whose time is up."""
    base, new = run(0), run(1)
    for lines, milliseconds in ((base, 300.0), (new, 900.0)):
        lines["slow, 1 faces"] = {
            **{"threads": 1, "frame_ms": [[milliseconds] * 25] * 2, "stage_ms": {}},
            "reference_ms": [[1.0] * 20] * 2,
        }
    assert regressions(tmp_path, base, new) == []
