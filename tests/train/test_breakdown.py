"""Every kind of operation of a step is timed in both precisions."""

from __future__ import annotations

from train.breakdown import DTYPES, measure
from train.recipes import Recipe


def test_every_operation_takes_some_time(tiny: Recipe) -> None:
    rows = measure(tiny)
    assert set(rows) == {
        *("convolution", "max pooling", "ReLU"),
        *("batch normalisation, Keras", "batch normalisation, fused"),
    }
    assert all(set(by_dtype) == set(DTYPES) for by_dtype in rows.values())
    assert all(ms > 0 for by_dtype in rows.values() for ms in by_dtype.values())
