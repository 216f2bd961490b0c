"""The simulation of a scheduler against the formula, and in cases that can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scan_simulation import BUSY, files, reach, simulate

WORK = st.lists(st.floats(0.01, 100), min_size=1, max_size=60)
COST = st.floats(0, 5)
WORKERS = st.integers(1, 70)


@given(WORK, COST)
def test_one_worker_takes_the_sum(work: list[float], cost: float) -> None:
    assert simulate(work, 1, cost).seconds == pytest.approx(sum(work) + cost * len(work))


@given(WORK, COST, WORKERS, st.integers(1, 10))
def test_more_workers_are_never_slower(
    work: list[float], cost: float, workers: int, more: int
) -> None:
    few, many = (simulate(work, count, cost).seconds for count in (workers, workers + more))
    assert many <= few * (1 + 1e-9)


@given(WORK, COST, WORKERS)
def test_nothing_is_sooner_than_what_bounds_it(
    work: list[float], cost: float, workers: int
) -> None:
    found = simulate(work, workers, cost)
    bounds = sum(work) / workers, max(work) + cost, len(work) * cost + min(work)
    assert found.seconds >= max(bounds) * (1 - 1e-9)
    assert 0 <= found.busy <= 1 + 1e-9


def test_a_worker_for_each_file_waits_for_the_scheduler_alone() -> None:
    found = simulate([4.0, 3.0, 9.0], 5, 0.5)
    assert found.seconds == pytest.approx(10.5)  # the third is given out after 1.5 s
    assert found.busy == pytest.approx(16 / (5 * 10.5))


def test_two_workers_by_hand() -> None:
    # Given out at 1, 2, 5 (worker 1 is done at 4) and 8 (worker 2 is done at 7).
    assert simulate([3.0, 5.0, 6.0, 2.0], 2, 1.0).seconds == 11


@pytest.mark.parametrize("workers", [1, 10, 50, 100])
def test_up_to_the_formula_a_worker_waits_for_its_own_files(workers: int) -> None:
    busy = simulate(np.full(workers * 100, 1.0), workers, 0.01).busy
    assert busy == pytest.approx(1 / 1.01, rel=2e-3)


@pytest.mark.parametrize("workers", [150, 200, 1000])
def test_beyond_it_each_has_its_share_of_the_scheduler(workers: int) -> None:
    found = simulate(np.full(workers * 100, 1.0), workers, 0.01)
    assert found.busy == pytest.approx(1 / (0.01 * workers), rel=2e-2)
    assert found.seconds == pytest.approx(workers, rel=2e-2)


def test_files_have_their_mean_and_are_the_same_again() -> None:
    work = files(60, 100_000)
    assert work.mean() == pytest.approx(60, rel=0.03)
    assert np.quantile(work, 0.841) / np.median(work) == pytest.approx(np.e, rel=0.03)
    assert np.array_equal(work, files(60, 100_000))


@pytest.mark.parametrize(("seconds", "cost"), [(1.0, 0.01), (10.0, 0.02), (1.0, 0.002)])
def test_the_reach_is_about_that_of_the_formula(seconds: float, cost: float) -> None:
    found = reach(seconds, cost)
    assert found.formula == round(seconds / cost)
    assert 0.85 * found.formula < found.simulated <= 1.1 * found.formula / BUSY
    work = files(seconds, 20 * found.simulated)
    assert simulate(work, found.simulated, cost).busy >= BUSY


def test_a_cost_like_a_file_leaves_nobody_busy_and_a_small_one_the_most() -> None:
    assert reach(1.0, 1.0).simulated == 0
    assert reach(60.0, 0.001, most=50).simulated == 50
