"""Calibration is measured on images that the temperature was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import calibration
from edge.contract import ModelContract
from tests.benchmarks.drawn import beyond
from train.data import LABELS, Split
from train.metrics import fitted_part

SEVEN = len(LABELS)


class Scripted:
    """Answers each image with the logits that its first pixels spell: label and confidence."""

    def __init__(self, temperature: float = 1.0, threshold: float = 0.5) -> None:
        self.contract = ModelContract(
            labels=LABELS, height=48, width=48, channels=1,
            temperature=temperature, uncertain_below=threshold,
        )  # fmt: skip

    def logits(self, crops: np.ndarray) -> np.ndarray:
        answer, per_cent = crops[:, 0, 0, 0], crops[:, 0, 1, 0] / 100
        logits = np.zeros((len(crops), SEVEN), np.float32)
        share = np.log(per_cent * (SEVEN - 1) / (1 - per_cent))
        logits[np.arange(len(crops)), answer] = share * self.contract.temperature
        return logits


def split(answers: list[int], per_cent: list[int], labels: list[int]) -> Split:
    """The images, and between them those that were fitted on, which are all wrong."""
    count = len(answers) * 4 // 3 + 1
    reported = np.flatnonzero(~fitted_part(count))[: len(answers)]
    count = reported[-1] + 1
    images = np.zeros((count, 48, 48, 1), np.uint8)
    images[:, 0, 1, 0] = 99
    images[reported, 0, 0, 0], images[reported, 0, 1, 0] = answers, per_cent
    expected = np.full(count, 6)
    expected[reported] = labels
    return Split("validation", images, expected, tuple(map(str, range(count))))


def test_confident_and_right_as_often_as_it_says_is_calibrated() -> None:
    right = [0] * 80 + [1] * 20
    found = calibration.measure(Scripted(), split([0] * 100, [80] * 100, right))
    assert found["images"] == 100
    assert found["after"]["calibration_error"] == pytest.approx(0, abs=1e-3)
    (part,) = found["after"]["reliability"]
    assert part == pytest.approx({"confidence": 0.8, "accuracy": 0.8, "images": 100}, abs=1e-3)


def test_the_temperature_is_what_stands_between_before_and_after() -> None:
    found = calibration.measure(Scripted(2.0), split([0] * 100, [80] * 100, [0] * 80 + [1] * 20))
    assert found["after"]["calibration_error"] == pytest.approx(0, abs=1e-3)
    assert found["before"]["calibration_error"] > 0.1


def test_what_is_below_the_threshold_is_not_answered() -> None:
    per_cent, labels = [30] * 50 + [90] * 50, [1] * 50 + [0] * 45 + [1] * 5
    found = calibration.measure(Scripted(), split([0] * 100, per_cent, labels))
    assert found["coverage"] == 0.5
    assert found["accuracy_answered"] == 0.9
    first, last = found["coverage_curve"][0], found["coverage_curve"][-1]
    assert (first["coverage"], first["accuracy"]) == (1, 0.45)
    assert last["threshold"] == pytest.approx(0.88)


def test_tables_and_figures_show_every_model() -> None:
    found = calibration.measure(Scripted(), split([0] * 100, [80] * 100, [0] * 80 + [1] * 20))
    rows = {"a": found, "b": found | {"coverage": 0.0, "accuracy_answered": None}}
    text = calibration.table(rows)
    assert "| a | 1.00 | 0.0% | 0.0% | 100.0% | 80.0% |" in text
    assert "| b | 1.00 | 0.0% | 0.0% | 0.0% | – |" in text
    more = rows | {"c": found}
    for draw in (calibration.reliability_figure, calibration.coverage_figure):
        for shown in ({"a": found}, rows, more):
            assert beyond(draw(shown)) < 0
