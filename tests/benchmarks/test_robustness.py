"""Each corruption does what its row says, to the same images for every classifier."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from benchmarks import robustness
from benchmarks.robustness import CORRUPTIONS, Corruption
from edge.frames import Floats
from tests.benchmarks.fakes import Bars
from train.data import LABELS, Split

IMAGES = np.random.default_rng(3).integers(0, 256, (4, 48, 48, 1), np.uint8)


def spots(x: int, y: int) -> np.ndarray:
    """Two images, black but for a white square of 4 pixels around (x, y)."""
    images = np.zeros((2, 48, 48, 1), np.uint8)
    images[:, y - 2 : y + 2, x - 2 : x + 2] = 255
    return images


def places(images: np.ndarray) -> np.ndarray:
    """Centres of brightness (x, y) in pixels, ``float64[n, 2]``."""
    centres = np.arange(48) + 0.5
    light = images[..., 0] / images.sum(axis=(1, 2))[..., np.newaxis]
    return np.stack([light.sum(axis=1) @ centres, light.sum(axis=2) @ centres], axis=1)


class Always:
    """Says the first class whatever it sees, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def classify(self, crops: np.ndarray) -> Floats:
        self.shown.append(crops.copy())
        return np.tile(np.eye(len(LABELS), dtype=np.float32)[0], (len(crops), 1))


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: f"{c.name} {c.strength}")
def test_a_corruption_gives_new_images_of_the_same_kind(corruption: Corruption) -> None:
    before = IMAGES.copy()
    changed = corruption.apply(IMAGES)
    assert (changed.dtype, changed.shape) == (np.uint8, IMAGES.shape)
    assert not np.shares_memory(changed, IMAGES)
    assert np.array_equal(IMAGES, before)
    assert np.array_equal(changed, IMAGES) == (corruption.name == robustness.NONE)
    assert np.array_equal(changed, corruption.apply(IMAGES))


def test_rows_are_told_apart_and_grow_worse() -> None:
    keys = [(c.name, c.strength) for c in CORRUPTIONS]
    assert len(set(keys)) == len(keys)
    assert keys[0][0] == robustness.NONE
    smooth = np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in IMAGES])[..., np.newaxis]
    for name in ("blur", "low light", "JPEG", "noise", "head roll"):
        steps = [c.apply(smooth).astype(float) - smooth for c in CORRUPTIONS if c.name == name]
        errors = [float(np.abs(step).mean()) for step in steps]
        assert len(errors) == 3
        assert errors == sorted(errors), name


def test_a_dark_frame_has_few_grey_levels() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    dark = robustness.darkened(ramp, 1 / 64)
    assert dark.max() == round(255 * 64 ** (-1 / 2.2))
    assert len(np.unique(dark)) == dark.max() + 1


def test_noise_has_the_strength_that_it_says() -> None:
    grey = np.full((20, 48, 48, 1), 128, np.uint8)
    noise = robustness.noisy(grey, 10).astype(float) - 128
    assert noise.std() == pytest.approx(10, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert not np.array_equal(noise[0], noise[1])


def test_noise_stays_within_the_grey_levels() -> None:
    white = np.full((1, 48, 48, 1), 255, np.uint8)
    assert robustness.noisy(white, 20).min() > 100


def test_a_square_moved_right_and_down_shows_the_face_further_left_and_up() -> None:
    moved = robustness.reframed(spots(30, 30), across=0.25, down=0.125)
    assert places(moved) == pytest.approx(np.array([(18, 24), (18, 24)]), abs=0.01)


def test_a_larger_square_shows_a_smaller_face() -> None:
    larger = robustness.reframed(spots(34, 24), scale=1.25)
    smaller = robustness.reframed(spots(34, 24), scale=0.8)
    assert places(larger)[0] == pytest.approx((24 + 10 / 1.25, 24), abs=0.1)
    assert places(smaller)[0] == pytest.approx((24 + 10 / 0.8, 24), abs=0.1)
    assert larger.sum() < spots(34, 24).sum() < smaller.sum()


def test_heads_roll_about_the_centre_to_both_sides() -> None:
    rolled = places(robustness.rolled(spots(24, 10), 30))
    across, up = 14 * np.sin(np.radians(30)), 14 * np.cos(np.radians(30))
    assert rolled[:, 1] == pytest.approx([24 - up] * 2, abs=0.1)
    assert sorted(rolled[:, 0]) == pytest.approx([24 - across, 24 + across], abs=0.1)


@pytest.mark.parametrize(("across", "down"), [(0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)])
def test_the_border_is_repeated(across: float, down: float) -> None:
    grey = np.full((1, 48, 48, 1), 90, np.uint8)
    assert np.unique(robustness.reframed(grey, 1.2, across, down)) == [90]
    assert np.unique(robustness.rolled(grey, 30)) == [90]


def test_every_classifier_sees_the_same_and_is_counted(validation_split: Split) -> None:
    one, other = Always(), Always()
    rows = robustness.measure({"one": one, "bars": Bars(), "other": other}, validation_split)
    assert [(row["corruption"], row["strength"]) for row in rows] == [
        (c.name, c.strength) for c in CORRUPTIONS
    ]
    assert rows[0]["top1"] == {
        "one": pytest.approx(1 / 7),
        "bars": 1,
        "other": pytest.approx(1 / 7),
    }
    moved = [row["top1"]["bars"] for row in rows if row["corruption"] == "square moved down"]
    assert max(moved) < 1
    assert all(np.array_equal(*pair) for pair in zip(one.shown, other.shown, strict=True))
    assert json.loads(json.dumps(rows)) == rows


def test_only_the_corruptions_asked_for_are_measured(validation_split: Split) -> None:
    black = Corruption("cap", "on", np.zeros_like)
    (row,) = robustness.measure({"bars": Bars()}, validation_split, [black])
    assert row == {"corruption": "cap", "strength": "on", "top1": {"bars": pytest.approx(1 / 7)}}


def test_the_table_has_a_column_a_model_and_begins_undisturbed() -> None:
    rows = [
        {"corruption": "blur", "strength": "σ 1 px", "top1": {"int8": 0.4321, "old": 0.3}},
        {"corruption": "none", "strength": "–", "top1": {"int8": 0.5542, "old": 1.0}},
    ]
    assert robustness.table(rows).splitlines() == [
        "| corruption | strength | int8 | old |",
        "| --- | ---: | ---: | ---: |",
        "| none | – | 55.4% | 100.0% |",
        "| blur | σ 1 px | 43.2% | 30.0% |",
    ]
