"""The figures are what the field means by their names."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from scipy.special import softmax

from train.cli import PlainConsole
from train.data import Split
from train.errors import VotesError
from train.layout import EXPRESSIONS
from train.metrics import (
    as_unseen,
    calibrate,
    evaluate,
    evaluate_votes,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    pack,
    unpack,
    voted_where_known,
)
from train.tables import class_table


def test_evaluate_on_a_case_counted_by_hand() -> None:
    labels = np.array([0, 0, 3, 3, 3, 6])
    predicted = np.array([0, 3, 3, 3, 0, 6])
    copies = np.array([False, False, False, False, True, True])
    figures = evaluate(labels, predicted, copies, EXPRESSIONS)
    assert figures["top1"] == pytest.approx(4 / 6)
    assert figures["top1_without_copies"] == pytest.approx(3 / 4)
    happy = figures["per_class"]["happy"]
    assert (happy["precision"], happy["recall"]) == pytest.approx((2 / 3, 2 / 3))
    assert happy["support"] == 3
    # F1: angry 1/2, happy 2/3, surprise 1, the four others 0.
    assert figures["macro_f1"] == pytest.approx((1 / 2 + 2 / 3 + 1) / len(EXPRESSIONS))
    # Without copies: angry 2/3, happy 4/5, and no surprise is left.
    assert figures["macro_f1_without_copies"] == pytest.approx((2 / 3 + 4 / 5) / len(EXPRESSIONS))
    assert figures["confusion_matrix"][3][0] == 1
    assert figures["confusion_matrix"][0][3] == 1


def drawn(count: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are drawn as they say at ``temperature``."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 7)).astype(np.float32)
    return logits, np.array([rng.choice(7, p=row) for row in softmax(logits / temperature, axis=1)])


def test_images_without_a_label_change_no_calibration() -> None:
    logits, labels = drawn(800, temperature=2)
    unknown = np.arange(800) % 8 > 3
    found = calibrate(logits, np.where(unknown, -1, labels))
    assert found["temperature"] == pytest.approx(2, abs=0.4)
    logits[unknown] = 100 * np.random.default_rng(1).normal(size=(400, 7))
    assert calibrate(logits, np.where(unknown, -1, labels)) == found


def test_the_labels_of_a_fold_change_what_all_others_get_alone() -> None:
    logits, labels = drawn(2000, temperature=1)
    inside = np.arange(2000) % 4 == 1
    before, shift = as_unseen(softmax(logits, axis=1), labels)
    # The temperature that is there stays, but for what leaving out a fold changes.
    np.testing.assert_allclose(before, softmax(logits, axis=1), atol=0.05)
    assert len({*shift.tolist()}) == 4
    hotter = np.where(inside, logits.argmin(axis=1), labels)
    others = np.flatnonzero(inside)
    assert fit_temperature(logits, hotter) > 1.5 * fit_temperature(logits, labels)
    after, _ = as_unseen(softmax(logits / fit_temperature(logits, hotter), axis=1), hotter)
    right = softmax(logits[others] / fit_temperature(logits[~inside], labels[~inside]), axis=1)
    np.testing.assert_allclose(after[others], right, atol=1e-3)


def test_the_errors_are_those_of_images_that_had_no_part_in_the_fit() -> None:
    logits, labels = drawn(400, temperature=3)
    found = calibrate(logits, labels)
    total = 0.0
    calibrated = np.empty_like(logits)
    for fold in range(4):
        inside = np.arange(400) % 4 == fold
        temperature = fit_temperature(logits[~inside], labels[~inside])
        calibrated[inside] = softmax(logits[inside] / temperature, axis=1)
        total += temperature
    assert found["temperature"] == pytest.approx(total / 4, rel=0.05)
    error = expected_calibration_error(calibrated, labels)
    assert found["calibration_error_after"] == pytest.approx(error, abs=1e-3)
    assert found["calibration_error_before"] > 2 * error


def test_of_few_images_nothing_is_fitted() -> None:
    logits, labels = drawn(40, temperature=3)
    found = calibrate(logits, labels)
    assert (found["temperature"], found["uncertain_below"]) == (1, 0.5)
    unseen, shift = as_unseen(softmax(logits, axis=1), labels)
    np.testing.assert_allclose(unseen, softmax(logits, axis=1), atol=1e-6)
    assert not shift.any()


def test_from_the_threshold_on_enough_labels_are_right() -> None:
    confidence = np.array([0.9, 0.3, 0.8, 0.7, 0.6, 0.5], np.float32)
    right = np.array([True, False, True, False, True, True])
    assert fit_threshold(confidence, right, 0.8) == np.float32(0.5)  # 4 of 5
    assert fit_threshold(confidence, right, 0.9) == np.float32(0.8)  # 2 of 2
    assert fit_threshold(confidence, right, 0.6) == np.float32(0.3)  # all
    assert fit_threshold(confidence, np.zeros(6, bool), 0.6) == np.float32(0.9)


def test_the_temperature_undoes_a_known_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 7)).astype(np.float32)
    labels = np.array([rng.choice(7, p=row) for row in softmax(logits.astype(float), axis=1)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.05)
    before = expected_calibration_error(softmax(logits * 3, axis=1), labels)
    after = expected_calibration_error(softmax(logits, axis=1), labels)
    assert after < 0.02 < before


def test_calibration_error_of_a_case_counted_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    # Bin of 0.9: accuracy 0.5, gap 0.4; bin of 0.6: accuracy 1, gap 0.4.
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.4)


def test_without_the_table_of_votes_nothing_has_one_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def missing(images: np.ndarray) -> np.ndarray:
        raise VotesError("ferplus.npz: expected the table of FER+ votes, found no such file")

    split = Split("a", np.zeros((3, 48, 48, 1), np.uint8), np.zeros(3, int), ("",) * 3, EXPRESSIONS)
    voted = voted_where_known(split, missing)
    assert voted.tolist() == [-1, -1, -1]
    assert "left out: ferplus.npz: expected" in caplog.text
    caplog.clear()
    cats = dataclasses.replace(split, classes=("cat", "dog"))
    assert voted_where_known(cats, missing).tolist() == [-1, -1, -1]
    assert not caplog.text, "nobody expects votes of other classes"
    assert evaluate_votes(voted, np.zeros(3, np.int64), np.zeros(3, bool)) == {}


@pytest.mark.parametrize("count", [1, 8, 77])
def test_packing_keeps_every_bit(count: int) -> None:
    right = np.random.default_rng(1).random(count) > 0.5
    assert np.array_equal(unpack(pack(right), count), right)
    for other in (count + 8, 0):
        with pytest.raises(ValueError, match="bits"):
            unpack(pack(right), other)


def test_the_console_has_each_class_and_their_means() -> None:
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    figures = evaluate(labels, predicted, np.zeros(4, bool), ("[cat]", "dog"))
    console = PlainConsole(file=io.StringIO(), width=80)
    console.print(class_table(figures))
    rows = [line.split() for line in console.file.getvalue().splitlines()]
    assert [row[1::2] for row in rows if "│" in row] == [
        ["[cat]", "1.000", "0.667", "0.800", "3"],
        ["dog", "0.500", "1.000", "0.667", "1"],
        ["mean", "0.750", "0.833", "0.733", "4"],
    ]
