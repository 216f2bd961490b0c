"""Training images are changed as the options say, and by nothing but the seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from train.augment import augment, mix
from train.recipe import Augmentation

STILL = Augmentation(
    rotation=0, scale=0, shift=0, contrast=0, brightness=0, blur=0, noise=0, erase=0
)
SEED = tf.constant([3, 4])


def ramp(count: int = 64) -> np.ndarray:
    """Dark on the left, bright on the right, with a mark above the centre."""
    images = np.zeros((count, 48, 48, 1), np.uint8)
    images += np.linspace(60, 180, 48).astype(np.uint8)[:, None]
    images[:, 8:12, 20:28] = 240
    return images


def changed(**options: float) -> np.ndarray:
    return augment(ramp(), SEED, dataclasses.replace(STILL, **options)).numpy()


def test_without_options_an_image_is_itself_or_its_mirror() -> None:
    images, found = ramp().astype(np.float32), changed()
    same = np.abs(found - images).max((1, 2, 3)) < 0.01
    mirrored = np.abs(found - images[:, :, ::-1]).max((1, 2, 3)) < 0.01
    assert (same | mirrored).all()
    assert 0.3 < mirrored.mean() < 0.7


def test_equal_seeds_give_equal_images() -> None:
    options = Augmentation()
    first, again = (augment(ramp(), SEED, options).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, augment(ramp(), SEED + 1, options).numpy())


def test_pixels_stay_in_range_and_of_their_shape() -> None:
    found = augment(ramp(), SEED, Augmentation()).numpy()
    assert found.shape == (64, 48, 48, 1)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 255


def place_of_mark(images: np.ndarray) -> np.ndarray:
    """Row and column of the centre of what is brighter than all of the ramp, ``[n, 2]``."""
    bright = images[..., 0] > 200
    along = np.arange(48)
    total = bright.sum((1, 2))
    rows = (bright.sum(2) * along).sum(1) / total
    return np.stack([rows, (bright.sum(1) * along).sum(1) / total], 1)


def test_a_shift_is_within_its_reach_in_both_directions() -> None:
    moved = place_of_mark(changed(shift=0.1)) - [9.5, 23.5]
    assert np.abs(moved).max() < 0.1 * 48 + 0.5
    assert (moved.min(0) < -2).all()
    assert (moved.max(0) > 2).all()


def test_a_rotation_moves_the_mark_on_a_circle_around_the_centre() -> None:
    arms = place_of_mark(changed(rotation=12)) - 23.5
    np.testing.assert_allclose(np.hypot(*arms.T), 14, atol=0.5)
    angles = np.degrees(np.arctan2(arms[:, 1], -arms[:, 0]))
    assert np.abs(angles).max() < 13
    assert np.abs(angles).max() > 8


def test_a_scale_moves_the_mark_along_the_radius() -> None:
    distance = 23.5 - place_of_mark(changed(scale=0.2))[:, 0]
    assert distance.min() == pytest.approx(14 * np.exp(-0.2), abs=1.2)
    assert distance.max() == pytest.approx(14 * np.exp(0.2), abs=1.2)


def test_light_changes_mean_and_contrast() -> None:
    means = changed(brightness=35).mean((1, 2, 3)) - ramp(1).mean()
    assert np.abs(means).max() <= 35
    assert np.ptp(means) > 40
    spread = changed(contrast=0.4).std((1, 2, 3)) / ramp(1).std()
    assert spread.min() < 0.75
    assert spread.max() > 1.2


def test_blur_and_noise_come_to_their_share_of_images() -> None:
    steps = np.abs(np.diff(changed(blur=0.5)[..., 0], axis=1)).max((1, 2))
    sharp = np.abs(np.diff(changed()[..., 0], axis=1)).max()
    assert 0.25 < (steps < 0.99 * sharp).mean() < 0.75
    # Away from the mark, every column of the ramp has one value.
    deviation = changed(noise=20)[:, 20:, :, 0].std(1).mean(1)
    assert 0.25 < (deviation > 0.01).mean() < 0.75
    assert 10 < deviation.max() < 21


def test_compression_comes_to_its_share_of_images_at_several_qualities() -> None:
    loss = np.abs(changed(jpeg=0.5) - changed()).mean((1, 2, 3))
    assert 0.25 < (loss > 0).mean() < 0.75
    assert loss.max() < 10
    assert loss.max() > 3 * loss[loss > 0].min()


def test_an_erased_rectangle_is_one_grey_of_limited_size() -> None:
    before, after = changed(), changed(erase=1)
    for old, new in zip(before, after, strict=True):
        different = (old != new)[..., 0]
        if not different.any():
            continue
        rows, columns = np.flatnonzero(different.any(1)), np.flatnonzero(different.any(0))
        assert len(np.unique(new[..., 0][different])) == 1
        assert rows[-1] - rows[0] < 21
        assert columns[-1] - columns[0] < 21


def test_a_share_of_the_images_is_mixed_with_another_as_its_target_is() -> None:
    images = np.arange(0, 240, 240 / 64).astype(np.uint8)[:, None, None, None] * np.ones(
        (1, 48, 48, 1), np.uint8
    )
    targets = np.eye(64, dtype=np.float32)
    mixed, wanted = (part.numpy() for part in mix(images, targets, SEED, 0.5))
    kept = wanted.diagonal()
    assert 0.3 < (kept < 1).mean() < 0.7
    assert kept.min() >= 0.5
    np.testing.assert_allclose(wanted.sum(1), 1, atol=1e-6)
    expected = (wanted @ images.reshape(64, -1).astype(np.float32)).reshape(images.shape)
    np.testing.assert_allclose(mixed, expected, atol=1e-3)
    for mixed_by_none, same in zip(mix(images, targets, SEED, 0.0), (images, targets), strict=True):
        np.testing.assert_array_equal(mixed_by_none.numpy(), same)
