"""What is known of the accuracies is shown: of all images, and of those without a copy."""

from __future__ import annotations

from benchmarks.report import statistics
from tests.benchmarks.device import ACCURACY, result, subject
from train.data import LABELS


def test_recall_is_shown_of_the_deployed_file_and_its_h5_and_without_copies() -> None:
    h5 = subject("h5, compiled", accuracy=ACCURACY | {"mcnemar": None})
    shown = result(h5, subject("int8", deployed=True))
    head, _, first, *_ = (statistics.recall(shown) or "").splitlines()
    assert head == "| label | images | h5, compiled | int8 |"
    assert first == "| angry | 10 | 50.0% (30.0–70.0) | 50.0% (30.0–70.0) |"
    assert statistics.recall(shown, alone=True) is None
    assert "| int8 | 54.3% (53.0–56.0) | – | – | – | – | – |" in statistics.without_copies(shown)
    alone = {
        **{"top1": 0.54, "macro_f1": 0.481, "calibration_error": 0.04, "images": 9},
        "per_class": {name: {"recall": 0.25, "support": 4} for name in LABELS},
        "mcnemar": {"only_h5": 4, "only_this": 1, "p": 0.375},
        "intervals": ACCURACY["intervals"] | {"macro_f1": [0.46, 0.5]},
    }
    for row in shown["subjects"]:
        row["accuracy"]["without_copies"] = alone
    recall = (statistics.recall(shown, alone=True) or "").splitlines()
    assert recall[2] == "| angry | 4 | 25.0% (30.0–70.0) | 25.0% (30.0–70.0) |"
    assert (
        "| int8 | 54.0% (55.0–58.0) | 0.481 (0.460–0.500) | 4.0% (3.0–5.0) | 4 | 1 | 0.38 |"
        in statistics.without_copies(shown)
    )


def test_the_interval_of_macro_f1_without_copies_is_shown_of_results_that_have_it() -> None:
    intervals = ACCURACY["intervals"] | {"macro_f1_without_copies": [0.45, 0.51]}
    accuracy = ACCURACY | {"macro_f1_without_copies": 0.481, "intervals": intervals}
    text = statistics.without_copies(result(subject("int8", accuracy=accuracy)))
    assert "| 0.481 (0.450–0.510) | – |" in text
