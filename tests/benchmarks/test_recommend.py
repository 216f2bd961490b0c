"""Which file is recommended, case by case."""

from __future__ import annotations

import pytest

from benchmarks import recommend
from benchmarks.results import Bench, McNemar, Row
from tests.benchmarks.samples import accuracy, bench, row

WORSE, ALIKE = McNemar(30, 5, 1e-4), McNemar(18, 15, 0.7)


def choose(*rows: Row, others: tuple[Bench, ...] = ()) -> tuple[str | None, str]:
    found = recommend.choose(bench(rows=list(rows)), others)
    return found.row.variant if found.row else None, found.reason


def test_the_fastest_wins() -> None:
    rows = row("float32", 0.36), row("dynamic", 0.11), row("int8", 0.24)
    assert choose(*rows) == ("dynamic", "the fastest")


def test_of_those_as_fast_the_smaller_one() -> None:
    rows = row("float32", 0.10, bytes=1_960_000), row("dynamic", 0.105)
    assert choose(*rows) == ("dynamic", "the smallest of the fastest")


def test_of_those_as_fast_and_small_the_deployed_one() -> None:
    assert choose(row("dynamic", 0.1), row("int8", 0.104)) == ("int8", "deployed already")
    assert choose(row("dynamic", 0.1), row("float16", 0.104)) == (
        "dynamic",
        "the fastest of the smallest",
    )


def test_one_that_is_worse_than_its_h5_is_left_out() -> None:
    int8 = row("int8", 0.1, accuracy=accuracy(20, WORSE))
    assert choose(int8, row("float16", 0.3, accuracy=accuracy(26, ALIKE))) == (
        "float16",
        "the fastest",
    )
    assert choose(int8) == (None, "every TFLite file is less accurate than the h5")


def test_an_accuracy_that_another_device_knows_counts() -> None:
    other = bench(rows=[row("int8", 0.01, accuracy=accuracy(20, WORSE))])
    here = row("int8", 0.1, None), row("dynamic", 0.3, None)
    assert choose(*here) == ("int8", "the fastest")
    assert choose(*here, others=(other,)) == ("dynamic", "the fastest")
    another_file = bench(rows=[row("int8", 0.01, accuracy=accuracy(20, WORSE), sha256="ee" * 32)])
    assert choose(*here, others=(another_file,)) == ("int8", "the fastest")


def test_an_h5_and_what_failed_are_no_candidates() -> None:
    failed = row("int8", 0.1, error="it died")
    assert choose(row("h5, compiled", 0.01), failed, row("float32", 0.4))[0] == "float32"
    assert choose(row("h5, compiled", 0.01), failed) == (None, "no TFLite file ran")


def test_another_model_is_none_either() -> None:
    other = row("int8", 0.01, model="seed", deployed=False)
    assert choose(other, row("int8", 0.1))[0] == "int8"
    assert recommend.choose(bench(rows=[other, row("int8", 0.1)])).row.model == "Finalmodel"


@pytest.mark.parametrize("reason", ["throttling was no and became yes"])
def test_an_invalid_run_recommends_nothing(reason: str) -> None:
    assert recommend.choose(bench(invalid=reason)).row is None
