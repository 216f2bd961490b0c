"""Probes are interleaved, and the reference follows each block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.errors import WorkerError
from benchmarks.measure import Probe, Series, interleave, rotated


def probe(name: str, log: list[str], fails_at: int = -1) -> Probe:
    blocks = iter(range(100))

    def block() -> dict[str, list[float]]:
        log.append(name)
        if next(blocks) == fails_at:
            raise WorkerError("it died")
        return {"frame": [1.23456789, 2.0]}

    def reference() -> list[float]:
        log.append("reference")
        return [0.5]

    return Probe(Series(name), block, reference)


def test_another_probe_is_first_in_each_round_and_the_reference_follows_each_block() -> None:
    log: list[str] = []
    probes = [probe("a", log), probe("b", log)]
    interleave(probes, 2)
    assert log == ["a", "reference", "b", "reference", "b", "reference", "a", "reference"]
    assert probes[0].series.times == {"frame": [[1.2346, 2.0]] * 2}
    assert probes[0].series.reference == [[0.5]] * 2
    assert probes[0].series.summary("frame").relative.value > 2


def test_a_probe_that_fails_stops_and_leaves_the_others_alone() -> None:
    log: list[str] = []
    probes = [probe("a", log, fails_at=1), probe("b", log)]
    interleave(probes, 4)
    assert probes[0].series.error == "it died"
    assert len(probes[0].series.times["frame"]) == len(probes[0].series.reference) == 1
    assert log.count("a") == 2
    assert len(probes[1].series.times["frame"]) == 4


def test_progress_is_given_the_rounds() -> None:
    seen: list[range] = []

    def shown(rounds: range) -> range:
        seen.append(rounds)
        return rounds

    interleave([], 3, shown)
    assert seen == [range(3)]


def test_rotation_keeps_the_order_and_bears_nothing_at_all() -> None:
    assert rotated("abc", 4) == ["b", "c", "a"]
    assert rotated([], 4) == []
    functions: list[Callable[[], int]] = [partial(int, "1"), partial(int, "2")]
    assert [each() for each in rotated(functions, 1)] == [2, 1]
