"""What is known of the accuracies is shown: of all images, and of those without a copy."""

from __future__ import annotations

from benchmarks.report import statistics
from tests.benchmarks.device import ACCURACY, result, subject


def test_recall_is_shown_of_the_deployed_file_and_its_h5_and_without_copies() -> None:
    h5 = subject("h5, compiled", accuracy=ACCURACY | {"mcnemar": None})
    shown = result(h5, subject("int8", deployed=True))
    head, _, first, *_ = (statistics.recall(shown) or "").splitlines()
    assert head == "| label | images | h5, compiled | int8 |"
    assert first == "| angry | 10 | 50.0% (30.0–70.0) | 50.0% (30.0–70.0) |"
    recall = (statistics.recall(shown, alone=True) or "").splitlines()
    assert recall[2] == "| angry | 4 | 25.0% (30.0–70.0) | 25.0% (30.0–70.0) |"
    assert (
        "| int8 | 54.3% (53.0–56.0) | 0.481 (0.460–0.500) | 4.0% (3.0–5.0) | 4 | 1 | 0.38 |"
        in statistics.without_copies(shown)
    )


def test_of_a_split_of_copies_alone_nothing_is_shown_without_them() -> None:
    copied = ACCURACY | {"without_copies": None}
    shown = result(subject("int8", deployed=True, accuracy=copied))
    assert statistics.recall(shown, alone=True) is None
    assert "| int8 | – | – | – | – | – | – |" in statistics.without_copies(shown)
