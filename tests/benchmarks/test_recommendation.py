"""The recommendation follows its rule, also where something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.report import recommendation
from tests.benchmarks.device import ACCURACY, result, subject


def accuracy(only_h5: int = 0, only_this: int = 0, p: float = 1.0) -> dict[str, Any]:
    return ACCURACY | {"mcnemar": {"only_h5": only_h5, "only_this": only_this, "p": p}}


def chosen(*rows: dict[str, Any], **changes: Any) -> str | None:
    row = recommendation.choose(result(*rows, **changes)).row
    return row and row["name"]


def rounds(*pairs: tuple[str, float], apart: float = 0.05, **changes: Any) -> list[dict[str, Any]]:
    """Lines of subjects that took turns: each round is another pace, which falls on all."""
    pace = [1 + 0.1 * number for number in range(20)]
    return [
        {
            **{"subject": name, "threads": 1},
            "face_ms": [
                [milliseconds * each * (1 + apart * (-1) ** (number + place))] * 3
                for number, each in enumerate(pace)
            ],
        }
        | changes
        for place, (name, milliseconds) in enumerate(pairs)
    ]


def test_the_fastest_wins_and_a_sentence_says_why() -> None:
    rows = subject("float32", 3.0), subject("int8", 1.0, deployed=True)
    assert recommendation.sentence(result(*rows)) == (
        "deploy **int8** (`int8.tflite`), 1.00 ms a face at one thread, 2.80 MB, 56.8% top-1; it "
        "is the fastest (the next is float32); of 3,589 images its h5 alone names 3 rightly and it "
        "alone 2 (p = 1)."
    )
    samples = rounds(("float32", 3.0), ("int8", 1.0), apart=0)
    assert "(the next is float32, 3.00 times as long, 3.00–3.00)" in (
        recommendation.sentence(result(*rows), None, samples)
    )


def test_what_shares_rounds_is_compared_within_them() -> None:
    """Less apart than the rounds are from each other, and yet slower in each of them."""
    rows = subject("dynamic", 1.50), subject("int8", 1.80, deployed=True)
    steady = rounds(("dynamic", 1.50), ("int8", 1.80), apart=0)
    choice = recommendation.choose(result(*rows), None, steady)
    assert choice.row is not None
    assert choice.row["name"] == "dynamic"
    noisy = rounds(("dynamic", 1.50), ("int8", 1.80), apart=0.3)
    assert "within the noise" in recommendation.choose(result(*rows), None, noisy).reason
    apart = [line | {"beside": line["subject"]} for line in noisy]
    for samples in (apart, [noisy[0], noisy[1] | {"face_ms": [[1.5]]}], []):
        assert "the next is int8" in recommendation.choose(result(*rows), None, samples).reason


@pytest.mark.parametrize(
    ("changes", "winner", "reason"),
    [
        ({}, "int8", "as fast as dynamic within the noise (int8, 1.0"),
        ({}, "int8", "and deployed already"),
        ({"bytes": 2_000_000}, "dynamic", "as fast as int8 within the noise, and smaller"),
        ({"bytes": 3_600_000}, "int8", "and smaller"),
        ({"deployed": True}, "dynamic", "and deployed already"),
    ],
)
def test_what_is_as_fast_is_decided_by_size_and_by_what_is_there(
    changes: dict[str, Any], winner: str, reason: str
) -> None:
    rows = subject("dynamic", 1.5) | changes, subject("int8", 1.51, deployed=True)
    samples = rounds(("dynamic", 1.5), ("int8", 1.51))
    choice = recommendation.choose(result(*rows), None, samples)
    assert choice.row is not None
    assert choice.row["name"] == winner
    assert reason in choice.reason


def test_a_sentence_compares_the_model_with_the_best_other_one() -> None:
    def model(name: str, top1: float, votes: float) -> dict[str, Any]:
        accuracy = ACCURACY | {"top1": top1, "votes": {"top1": votes}, "images": 3589}
        row = subject("int8", model=name, deployed=name == "m", accuracy=accuracy)
        return row | {"name": f"{name} int8"}

    rows = model("seed", 0.5, 0.5), model("fer2013", 0.684, 0.697), model("m", 0.657, 0.785)
    text = recommendation.sentence(result(*rows))
    assert "of 3,589 images its h5 alone names 3 rightly" in text
    assert text.endswith(
        "m names what most people see (FER+) in 78.5% of the images and fer2013 in 69.7%, "
        "FER2013's own label in 65.7% and 68.4%."
    )
    assert "FER+" not in recommendation.sentence(result(rows[-1]))


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
    other_file = result(subject("int8", sha256="that of another"))
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
