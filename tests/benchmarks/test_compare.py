"""What counts as slower or less accurate, and what is noise."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import compare, terminal
from benchmarks.compare import Finding
from benchmarks.errors import BenchmarkError
from benchmarks.results import Camera, Footprint, Latency
from tests.benchmarks.samples import accuracy, bench, loop, row, times


def changed(**changes: Any) -> dict[str, Finding]:
    """What differs between a run of one row and the same run with ``changes``."""
    base = bench(rows=[row("int8", 1.0)])
    found = compare.compare(base, bench(**({"rows": base.rows} | changes)))
    return {each.what: each for each in found if each.verdict}


def test_two_equal_runs_differ_in_nothing() -> None:
    found = compare.compare(bench(), bench())
    assert len(found) > 20
    assert not [each for each in found if each.verdict or each.worse]


@pytest.mark.parametrize(
    ("ms", "verdict"), [(1.13, ""), (1.3, "slower"), (0.9, ""), (0.7, "faster")]
)
def test_a_time_counts_where_the_intervals_lie_apart(ms: float, verdict: str) -> None:
    """Both have ± 2 %, and a tenth is the margin."""
    found = changed(rows=[row("int8", ms)])
    assert [each.verdict for each in found.values()] == ([verdict] if verdict else [])
    for each in found.values():
        assert each.what == "Finalmodel int8, one face, threads: 1"
        assert each.worse == (verdict == "slower")


def test_a_machine_that_is_slower_as_a_whole_changes_nothing() -> None:
    slow = row("int8", 3.0, latency=[Latency(1, times(3.0, relative=1.0))])
    assert not changed(rows=[slow])


def test_what_makes_less_than_a_twentieth_of_a_millisecond_is_nothing() -> None:
    base = bench(rows=[row("int8", 0.02)])
    found = compare.compare(base, bench(rows=[row("int8", 0.04)]))
    assert not [each for each in found if each.verdict]


def test_a_slow_frame_is_found_with_its_stages() -> None:
    found = changed(loop=loop(frame=2.0))
    assert found["frame, faces: 1"].change == "2.22 ×"
    assert found["frame, faces: 1, p95"].worse
    assert found["frame, faces: 0, detect"].worse
    assert found["frame of a file, faces: 1, workers: 2"].worse


def test_what_takes_a_process_has_a_wider_margin() -> None:
    assert not changed(footprint=Footprint(times(280, 266), 1000, 110.0, 303.0))
    assert changed(footprint=Footprint(times(420, 400), 1000, 110.0, 303.0))


def test_memory_and_drops_count_from_a_tenth_and_five_on() -> None:
    found = changed(footprint=Footprint(times(210, 200), 1000, 130.0, 303.0))
    assert found["a run, peak RSS"].verdict == "more"
    assert not changed(footprint=Footprint(times(210, 200), 1000, 114.0, 303.0))
    dropping = loop()
    dropping.camera[0] = Camera(30, 500, 100, times(1.3), times(1.2))
    assert changed(loop=dropping)["camera, frames a second: 30, dropped"].worse


@pytest.mark.parametrize(
    ("right", "verdict"), [(20, ""), (10, "less accurate"), (40, "more accurate")]
)
def test_accuracy_is_compared_image_by_image(right: int, verdict: str) -> None:
    found = changed(rows=[row("int8", 1.0, right)])
    assert [each.verdict for each in found.values()] == ([verdict] if verdict else [])
    assert all(each.worse == (verdict == "less accurate") for each in found.values())


def test_other_images_are_not_compared() -> None:
    import msgspec

    other = msgspec.structs.replace(accuracy(2), images="others")
    found = changed(rows=[row("int8", 1.0, accuracy=other)])
    assert found["Finalmodel int8, top-1"].verdict == "not comparable"
    assert not found["Finalmodel int8, top-1"].worse


def test_what_the_later_run_lacks_is_worse_unless_it_was_meant_to() -> None:
    later = bench(rows=[], loop=None)
    found = compare.compare(bench(), later)
    assert found[0].worse
    assert found[0].verdict == "missing"
    assert not any(each.worse for each in compare.compare(bench(), later, fewer=True))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"device": "another"}, "two runs on one machine"),
        ({"rounds": 2}, "found 2 rounds"),
        ({"invalid": "throttling"}, "found throttling"),
    ],
)
def test_runs_that_can_not_be_compared_are_refused(changes: Any, problem: str) -> None:
    with pytest.raises(BenchmarkError, match=problem):
        compare.compare(bench(), bench(**changes))


def test_a_terminal_shows_what_changed_and_nothing_else() -> None:
    found = compare.compare(bench(), bench(loop=loop(frame=2.0)))
    shown = terminal.compare_table(found)
    assert 0 < shown.row_count < len(found)
    assert terminal.bench_table(bench()).row_count == 3
