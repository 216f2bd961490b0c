"""A regression is one that two runs of the same code don't show."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import comparison, results
from benchmarks.__main__ import compare
from benchmarks.errors import BenchmarkError, ResultsError
from tests.benchmarks.test_results import WHOLE

STAGES = {"detect": 1.2, "crop": 0.15, "classify": 0.5, "track": 0.06}
ROUNDS, CALLS = 20, 15
Run = dict[str, dict]


def run(seed: int, drift: float = 1.0) -> Run:
    """Lines by subject, of a machine that is slower by ``drift`` and by another part each round."""
    rng = np.random.default_rng(seed)
    pace = drift * rng.lognormal(0, 0.2, (ROUNDS, 1))

    def times(milliseconds: float) -> list[list[float]]:
        noise = rng.lognormal(0, 0.05, (ROUNDS, CALLS)) + rng.exponential(0.05, (ROUNDS, CALLS))
        return (milliseconds * pace * noise).tolist()

    stages = {stage: times(milliseconds) for stage, milliseconds in STAGES.items()}
    loop = {"frame_ms": times(1.95), "stage_ms": stages, "reference_ms": times(1.1)}
    right = "".join("01"[int(known)] for known in np.random.default_rng(9).random(1000) < 0.7)
    return {
        "m int8": {"threads": 1, "error": "", "face_ms": times(0.5), **loop},
        "loop, 1 faces": {"threads": 1, **loop},
        "m float32": {"images": "abc", "right": right},
    }


def written(folder: Path, lines: Run, **changes: object) -> Path:
    path = folder / "one.json"
    samples = [{"subject": name, **line} for name, line in lines.items()]
    results.write(path, WHOLE | changes, samples)
    return path


def regressions(tmp_path: Path, base: Run, new: Run) -> list[str]:
    paths = [written(tmp_path / name, lines) for name, lines in (("base", base), ("new", new))]
    return [row.what for row in comparison.compare(*paths) if row.regression]


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
        "m int8, 1 thread: frame",
    ]


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
    assert "8 figures compared, 1 worse" in capsys.readouterr().out
    assert compare(paths[0], paths[0]) == 0
    assert capsys.readouterr().out.startswith("8 figures compared, 0 worse")
    with io.StringIO() as file:
        Console(width=80, file=file).print(comparison.table(comparison.compare(*paths)))
        text = file.getvalue()
    assert "less accurate" in text
    assert "m float32: top-1" in text


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    base = written(tmp_path / "base", run(0))
    with pytest.raises(BenchmarkError, match="one machine, found one and two"):
        comparison.compare(base, written(tmp_path / "new", run(0), device={"name": "two"}))
    with pytest.raises(BenchmarkError, match=r"void \(throttled\)"):
        comparison.compare(base, written(tmp_path / "new", run(0), void="throttled"))
    with pytest.raises(BenchmarkError, match="same models"):
        comparison.compare(base, written(tmp_path / "new", {}))
    base.with_suffix(".jsonl").unlink()
    with pytest.raises(ResultsError, match="raw samples"):
        comparison.compare(base, base)
