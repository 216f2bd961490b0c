"""The representative dataset is frozen by file name and reaches both ends of the range."""

from __future__ import annotations

import dataclasses

import numpy as np

from convert.calibration import PER_CLASS, representative_sample
from train.layout import EXPRESSIONS


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
    assert len(representative_sample(many)) == PER_CLASS * len(EXPRESSIONS)


def test_a_sample_reaches_from_0_to_255(train_split) -> None:
    dim = dataclasses.replace(train_split, images=train_split.images // 2)
    sample = representative_sample(dim)
    assert (sample.min(), sample.max()) == (0, 255)
    assert (sample > 127).sum() == 1
    assert dim.images.max() == 127, "the images are as they were"
