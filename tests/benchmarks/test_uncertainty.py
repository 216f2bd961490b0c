"""Intervals are wide where little is known, and hold what is true as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmarks.uncertainty import (
    calibration_interval,
    in_rounds,
    macro_f1_interval,
    mcnemar,
    percentile_intervals,
    percentiles,
    share_interval,
)
from train.metrics import expected_calibration_error


def test_percentiles_have_their_names() -> None:
    assert percentiles(range(1001)) == {"p50": 500, "p90": 900, "p95": 950, "p99": 990}


@pytest.mark.parametrize(
    ("count", "known"),
    [
        (1000, ["p50", "p90", "p95", "p99"]),
        (999, ["p50", "p90", "p95"]),
        (199, ["p50", "p90"]),
        (99, ["p50"]),
    ],
)
def test_a_percentile_needs_ten_samples_beyond_it(count: int, known: list[str]) -> None:
    values = [float(value) for value in range(count)]
    assert [name for name, value in percentiles(values).items() if value is not None] == known
    intervals = percentile_intervals([values])
    assert [name for name, ends in intervals.items() if ends is not None] == known


def test_samples_are_cut_into_rounds_of_one_length() -> None:
    assert in_rounds(range(7), 3) == [[0, 1], [2, 3], [4, 5]]
    assert in_rounds(range(2), 3) == [[0], [1]]
    assert in_rounds((), 3) == []


def test_rounds_that_differ_widen_the_interval_more_than_their_samples_do() -> None:
    """Ten rounds of a machine that is fast or slow: its median is known as from ten samples."""
    rng = np.random.default_rng(1)
    steady = rng.normal(10, 1, (10, 100))
    moved = steady - steady.mean(axis=1, keepdims=True) + rng.normal(10, 1, (10, 1))
    widths = []
    for rounds in (steady, moved):
        low, high = percentile_intervals(rounds.tolist())["p50"]
        assert low <= np.median(rounds) <= high
        widths.append(high - low)
    assert widths[1] > 3 * widths[0]


def test_the_interval_of_a_share_is_wilsons() -> None:
    """Wilson 1927 for 5 of 10 at 95 %: (0.2366, 0.7634)."""
    assert share_interval(np.arange(10) < 5) == pytest.approx([0.23659, 0.76341])
    assert share_interval(np.zeros(0, bool)) == [0, 1]


def test_mcnemar_counts_only_what_differs() -> None:
    """Exact binomial: of 5 that differ none the other way has p = 2 / 2⁵."""
    one = np.array([True] * 20 + [False] * 10)
    other = one.copy()
    assert mcnemar(one, other) == (0, 0, 1)
    other[:5] = False
    assert mcnemar(one, other) == (5, 0, pytest.approx(2 / 32))
    other[-2:] = True
    assert mcnemar(other, one)[:2] == (2, 5)


def answers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of three classes, and probabilities that are right as often as they claim."""
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet((0.5, 0.5, 0.5), count).astype(np.float32)
    labels = np.array([rng.choice(3, p=row / row.sum()) for row in probabilities.astype(float)])
    return labels, probabilities


def test_the_interval_of_macro_f1_is_around_it_and_shrinks_with_the_images() -> None:
    widths = []
    for count in (200, 1800):
        labels, probabilities = answers(count)
        predicted = probabilities.argmax(axis=1)
        low, high = macro_f1_interval(labels, predicted)
        assert low < f1_score(labels, predicted, average="macro") < high
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(3, rel=0.3)


def test_a_class_that_no_resample_predicts_has_no_f1() -> None:
    assert macro_f1_interval(np.array([0, 1, 1]), np.array([0, 0, 0]))[0] == 0


def test_the_interval_of_the_calibration_error() -> None:
    labels, probabilities = answers(1000)
    low, high = calibration_interval(probabilities, labels)
    assert low < expected_calibration_error(probabilities, labels) < high < 0.1
    sure = np.eye(3, dtype=np.float32)[labels]
    assert calibration_interval(sure, labels) == [0, 0]


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.1])
def test_the_calibration_error_that_is_true_lies_in_its_interval(gap: float) -> None:
    """Of two classes, each image right by ``gap`` less often than it claims: that is the error."""
    rng = np.random.default_rng(3)
    held, around = 0, 0
    for _ in range(200):
        claimed = rng.uniform(0.65, 1, 500)
        labels = (rng.random(500) > claimed - gap).astype(int)
        probabilities = np.stack([claimed, 1 - claimed], axis=1).astype(np.float32)
        low, high = calibration_interval(probabilities, labels)
        held += low <= gap <= high
        around += low <= expected_calibration_error(probabilities, labels) <= high
    assert held >= 0.95 * 200
    assert around == 200
