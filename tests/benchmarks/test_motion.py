"""Sequences of crops are those of a camera: continuous, alike for the same seed, not too still."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks import motion

FACE = cv2.GaussianBlur(
    np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8), (0, 0), 3, borderType=2
)
FACE = cv2.normalize(FACE, None, 20, 235, cv2.NORM_MINMAX)[..., np.newaxis]


def film(seed: int = 0, seconds: float = 3.0) -> np.ndarray:
    return motion.held(FACE, seconds, np.random.default_rng(seed))


def test_a_seed_gives_one_sequence() -> None:
    first = film()
    assert (first.dtype, first.shape) == (np.uint8, (45, 48, 48, 1))
    assert np.array_equal(first, film())
    assert not np.array_equal(first, film(1))


def test_the_image_stays_as_it_is() -> None:
    before = FACE.copy()
    film()
    assert np.array_equal(FACE, before)


def test_frames_differ_the_more_the_further_apart_they_are() -> None:
    films = np.stack([film(seed) for seed in range(12)]).astype(float)

    def difference(frames: int) -> float:
        return float(np.abs(films[:, frames:] - films[:, :-frames]).mean())

    assert 1 < difference(1) < 0.9 * difference(5)
    assert difference(5) < difference(15)


def test_each_frame_has_noise_of_its_own() -> None:
    frames = film(3)
    assert all((a != b).any() for a, b in zip(frames[1:], frames, strict=False))


def test_a_wandering_value_has_the_variance_and_the_memory_that_it_says() -> None:
    values = motion.wander(60, 0.5, 4000, np.random.default_rng(0))
    assert values.shape == (60, 4000)
    assert values.var(axis=1) == pytest.approx(np.ones(60), abs=0.12)  # from the first frame on
    correlation = (values[1:] * values[:-1]).mean() / (values**2).mean()
    assert correlation == pytest.approx(np.exp(-1 / (15 * 0.5)), abs=0.01)


def test_a_change_begins_and_ends_with_the_images() -> None:
    dark, light = np.full_like(FACE, 60), np.full_like(FACE, 180)
    frames = motion.changing(dark, light, 2.0, np.random.default_rng(0)).astype(float)
    assert frames.shape == (60, 48, 48, 1)
    levels = frames.mean(axis=(1, 2, 3))
    levels /= levels[40:].mean()
    assert levels[:28] == pytest.approx(np.full(28, 1 / 3), abs=0.1)
    assert levels[30] == pytest.approx(2 / 3, abs=0.12)  # half of each
    assert levels[32:] == pytest.approx(np.ones(28), abs=0.25)


def test_a_way_blurs_along_itself() -> None:
    kernel = motion._line(4.0, 0.0)
    assert kernel.sum() == pytest.approx(1)
    assert kernel.sum(axis=1).max() == pytest.approx(1)  # all in one row
    assert np.count_nonzero(kernel.sum(axis=0)) == 5
    assert np.array_equal(motion._line(4.0, -4.0), motion._line(4.0, 4.0)[::-1])
