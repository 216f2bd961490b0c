"""The representative dataset is frozen by file name and reaches both ends of the range."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convert.calibration import PER_CLASS, representative_sample
from convert.errors import CalibrationError
from train.data import LABELS


def test_it_does_not_depend_on_the_order(train_split) -> None:
    order = np.random.default_rng(0).permutation(len(train_split.labels))
    shuffled = dataclasses.replace(
        train_split,
        images=train_split.images[order],
        labels=train_split.labels[order],
        names=tuple(train_split.names[i] for i in order),
    )
    np.testing.assert_array_equal(
        representative_sample(shuffled), representative_sample(train_split)
    )


def test_it_is_balanced(train_split) -> None:
    many = dataclasses.replace(
        train_split,
        images=np.tile(train_split.images, (4, 1, 1, 1)),
        labels=np.tile(train_split.labels, 4),
        names=tuple(f"{copy}{name}" for copy in range(4) for name in train_split.names),
    )
    assert len(representative_sample(many)) == PER_CLASS * len(LABELS)


def test_a_sample_that_misses_an_end_is_refused(train_split) -> None:
    dim = dataclasses.replace(train_split, images=train_split.images // 2)
    with pytest.raises(CalibrationError, match="found 0 to 127"):
        representative_sample(dim)


def test_no_images_are_refused(train_split) -> None:
    empty = dataclasses.replace(
        train_split, images=train_split.images[:0], labels=train_split.labels[:0], names=()
    )
    with pytest.raises(CalibrationError, match="no image"):
        representative_sample(empty)
