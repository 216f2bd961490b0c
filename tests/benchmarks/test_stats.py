"""The statistics, with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmarks import stats
from train.metrics import expected_calibration_error

RANDOM = np.random.default_rng(5)


def test_percentiles_are_those_of_all_samples_and_need_ten_beyond_them() -> None:
    rounds = RANDOM.lognormal(size=(20, 50)).tolist()
    found = stats.times(rounds, [[1.0]] * 20)
    values = [each.value for each in (found.p50, found.p95, found.p99) if each]
    assert values == pytest.approx(np.percentile(rounds, (50, 95, 99)), rel=1e-4)
    fewer = stats.times(rounds[:19], [[1.0]] * 19)
    assert (fewer.count, fewer.p99) == (950, None)
    assert fewer.p95 is not None


def test_a_machine_that_is_slower_in_some_rounds_changes_times_but_not_multiples() -> None:
    speeds = np.array([1.0, 4.0] * 10)[:, np.newaxis]
    rounds, reference = 2.0 * speeds.repeat(50, axis=1), speeds.repeat(20, axis=1)
    found = stats.times(rounds.tolist(), reference.tolist())
    assert found.p50.low < found.p50.high
    assert found.relative == stats.Estimate(2.0, 2.0, 2.0)
    assert found.relative_p95 == stats.Estimate(2.0, 2.0, 2.0)


def test_rounds_are_resampled_as_a_whole() -> None:
    """Samples that agree within a round tell no more than one of them."""
    rounds = RANDOM.normal(10, 1, (20, 1)).repeat(50, axis=1)
    alone = stats.times(rounds[:, :1].tolist(), [[1.0]] * 20).p50
    whole = stats.times(rounds.tolist(), [[1.0]] * 20).p50
    assert whole.high - whole.low == pytest.approx(alone.high - alone.low, rel=0.3)


def test_rounds_are_cut_to_the_shortest() -> None:
    assert stats.times([[1.0, 9.0], [1.0]], [[1.0], [1.0]]).count == 2


def test_a_share_has_wilsons_interval() -> None:
    found = stats.share(np.arange(100) < 65)  # 65 of 100: 0.5525…0.7364 (Wilson 1927)
    assert found.value == 0.65
    assert (found.low, found.high) == pytest.approx((0.55254, 0.73637), abs=1e-4)


def test_macro_f1_is_that_of_scikit_learn() -> None:
    labels, predicted = RANDOM.integers(0, 5, (2, 300))
    found = stats.macro_f1(stats.confusion(labels, predicted, 5))
    assert found.value == pytest.approx(f1_score(labels, predicted, average="macro"), rel=1e-4)
    assert found.low < found.value < found.high
    assert stats.macro_f1(stats.confusion(labels, labels, 6)).value == pytest.approx(5 / 6)


def test_the_calibration_error_is_that_of_training_and_its_interval_holds_it() -> None:
    logits = RANDOM.normal(size=(500, 7))
    probabilities = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    labels = RANDOM.integers(0, 7, 500)
    found = stats.calibration_error(probabilities, labels)
    assert found.value == pytest.approx(expected_calibration_error(probabilities, labels), rel=1e-3)
    assert 0 <= found.low < found.value < found.high


def test_the_interval_of_a_perfect_calibration_holds_almost_nothing() -> None:
    sure = np.eye(7)[np.arange(70) % 7].astype(np.float32)
    assert stats.calibration_error(sure, np.arange(70) % 7).high == 0


def test_mcnemar_looks_at_what_only_one_of_two_has_right() -> None:
    h5, this = np.zeros((2, 30), bool)
    h5[:12] = this[10:12] = this[20] = True
    found = stats.mcnemar(h5, this)
    assert (found.only_h5, found.only_this) == (10, 1)
    assert found.p == pytest.approx(2 * 12 / 2**11)  # exact: (1 + 11) / 2^11 on each side
    assert stats.mcnemar(h5, h5).p == 1
