"""What the rows of one file add up to."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.scan.charts import ticks
from edge.scan.summary import Rows, bin_width

ROW = st.tuples(
    st.integers(0, 20_000),
    st.integers(0, 120),
    st.integers(0, 4),
    st.floats(0, 1, allow_subnormal=False),
)


def made(rows: list[tuple[int, int, int, float]]) -> Rows:
    time, frames, label, share = np.array(rows, float).reshape(-1, 4).T
    return Rows(time, frames, np.where(frames > 0, label, -1).astype(np.int64), share, 5)


@given(st.lists(ROW, max_size=60), st.floats(0, 30_000), st.integers(1, 240))
def test_bins_lose_no_frame(
    rows: list[tuple[int, int, int, float]], length: float, most: int
) -> None:
    all_rows = made(rows)
    line = all_rows.timeline(length, most_bins=most)
    assert line.weights.shape == (2, 5, len(line.mean))
    assert len(line.mean) <= most
    assert len(line.mean) * line.width >= max(length, all_rows.end)
    np.testing.assert_allclose(line.weights.sum(2), all_rows.weights, atol=1e-9)
    np.testing.assert_allclose(line.weights.sum(), sum(row[1] for row in rows), atol=1e-9)
    assert (line.mean <= line.most).all()


@given(st.integers(2, 3600), st.integers(1, 50), st.integers(1, 240))
def test_where_each_sample_has_a_face_each_bin_has(every: int, samples: int, most: int) -> None:
    line = made([(every * n, 1, 0, 1.0) for n in range(samples)]).timeline(
        every * samples, every, most
    )
    assert line.width >= every
    assert (line.mean[:-1] > 0).all(), "the last one may begin behind the last sample"


@given(st.floats(0, 1e8), st.integers(1, 240))
def test_a_bin_is_as_short_as_the_limit_allows(length: float, most: int) -> None:
    width = bin_width(length, most)
    assert math.ceil(length / width) <= most
    assert width == 1 or width <= 3 * math.ceil(length / most)


@given(st.floats(1, 1e8))
def test_an_axis_names_few_times_and_its_begin(seconds: float) -> None:
    found = ticks(seconds)
    assert found[0] == (0, 0)
    assert 1 <= len(found) <= 7
    assert all(0 <= tick.place <= 1 for tick in found)
