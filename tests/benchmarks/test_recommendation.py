"""The recommendation follows its rule, also where something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.report import recommendation
from tests.benchmarks.device import ACCURACY, RUN, result, subject


def accuracy(only_h5: int = 0, only_this: int = 0, p: float = 1.0) -> dict[str, Any]:
    return ACCURACY | {"mcnemar": {"only_h5": only_h5, "only_this": only_this, "p": p}}


def chosen(*rows: dict[str, Any], **changes: Any) -> str | None:
    row = recommendation.choose(result(*rows, **changes)).row
    return row and row["name"]


def test_the_fastest_wins_and_a_sentence_says_why() -> None:
    rows = subject("float32", 3.0), subject("int8", 1.0, deployed=True)
    assert recommendation.sentence(result(*rows)) == (
        "deploy **int8** (`int8.tflite`), 1.00 ms a face at one thread, 2.80 MB, 56.8% top-1; it "
        "is the fastest; no file that ran is less accurate beyond chance."
    )


@pytest.mark.parametrize(
    ("changes", "winner", "reason"),
    [
        ({"bytes": 2_000_000}, "dynamic", "as fast as int8 within the noise, and smaller"),
        ({"bytes": 2_700_000}, "int8", "deployed already"),
        ({"runs": [RUN | {"memory_mb": 40.0}]}, "dynamic", "smaller in memory"),
    ],
)
def test_what_is_as_fast_is_decided_by_size_memory_and_what_is_there(
    changes: dict[str, Any], winner: str, reason: str
) -> None:
    rows = subject("dynamic", 1.5) | changes, subject("int8", 1.6, deployed=True)
    choice = recommendation.choose(result(*rows))
    assert choice.row is not None
    assert choice.row["name"] == winner
    assert reason in choice.reason


def test_what_answers_worse_is_left_out_however_fast() -> None:
    worse = subject("int8", 1.0, deployed=True, accuracy=accuracy(30, 10, 0.002))
    better = subject("dynamic", 1.0, accuracy=accuracy(10, 30, 0.002))
    choice = recommendation.choose(result(worse, better, subject("float32", 3.0)))
    assert choice.row is not None
    assert choice.row["name"] == "dynamic"
    assert "int8 is left out as less accurate" in choice.reason
    alone = recommendation.choose(result(worse))
    assert alone.row is None
    assert "less accurate than the h5" in alone.reason


def test_without_an_h5_the_interval_of_the_best_decides() -> None:
    low = ACCURACY | {"mcnemar": None, "top1": 0.54}
    best = ACCURACY | {"mcnemar": None}
    rows = subject("int8", 1.0, accuracy=low), subject("float32", 3.0, accuracy=best)
    assert chosen(*rows) == "float32"
    rows[0]["accuracy"]["top1"] = 0.551
    assert chosen(*rows) == "int8"


def test_what_failed_is_left_out_and_named() -> None:
    failed = subject("int8", 1.0, deployed=True, error="does not load")
    choice = recommendation.choose(result(failed, subject("dynamic", 2.0)))
    assert choice.row is not None
    assert choice.row["name"] == "dynamic"
    assert "int8 is left out because of an error" in choice.reason
    sentence = recommendation.sentence(result(failed, subject("dynamic", runs=[])))
    assert sentence == "no recommendation: none of the TFLite files ran."
    only_h5 = subject("h5, compiled", file="m.h5")
    assert recommendation.choose(result(only_h5)).row is None


def test_a_void_run_recommends_nothing() -> None:
    text = recommendation.sentence(result(void="governor was 'a' and became 'b'"))
    assert text.startswith("no recommendation: the run does not count, because governor was 'a'")


def test_a_missing_accuracy_is_lent_by_another_device_or_said_to_be_unknown() -> None:
    bare = subject("int8", 1.0, accuracy=None), subject("float32", 3.0, accuracy=None)
    assert "56.8% top-1 (measured on machine one)" in recommendation.sentence(
        result(*bare), result()
    )
    other_file = result(subject("int8", bytes=1))
    text = recommendation.sentence(result(*bare), other_file)
    assert "top-1" not in text
    assert "the accuracy of int8 and float32 is not known" in text
    assert text == recommendation.sentence(result(*bare))


def test_other_models_and_the_h5_are_no_candidates() -> None:
    rows = (
        subject("int8", 0.5, model="seed"),
        subject("h5, compiled", 0.5),
        subject("int8", 2.0, deployed=True) | {"name": "m int8"},
    )
    assert chosen(*rows) == "m int8"
    assert chosen(rows[0] | {"name": "seed int8"}, subject("int8", 0.1)) == "seed int8"
