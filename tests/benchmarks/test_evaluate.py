"""Calibration, copies, robustness and framing, on images whose labels are plain to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import calibration, evaluate, framing, robustness
from benchmarks.candidates import DEPLOYED_FILE, DEPLOYED_MODEL
from benchmarks.errors import BenchmarkError
from benchmarks.robustness import CORRUPTIONS, Corruption
from benchmarks.search import Live
from edge.contract import Framing, ModelContract
from edge.types import Box, Face, Image
from edge.vision.blazeface import BlazeFace
from edge.vision.crops import Square
from tests.benchmarks.samples import Bars
from train.data import Split
from train.layout import EXPRESSIONS

IMAGES = np.random.default_rng(3).integers(0, 256, (4, 48, 48, 1), np.uint8)
CONTRACT = Framing(scale=1.25, offset_x=0.02, offset_y=-0.1)


class Logits:
    """Certain of the images' bars by logits of ``height``."""

    def __init__(self, height: float, temperature: float) -> None:
        self.contract = ModelContract(
            EXPRESSIONS, 48, 48, 1, temperature=temperature, uncertain_below=0.5
        )
        self._height = height

    def logits(self, crops: np.ndarray) -> np.ndarray:
        return self._height * (Bars().classify(crops) > 0.5).astype(np.float32)


def test_calibration_is_before_and_after_the_temperature(validation_split: Split) -> None:
    labels = validation_split.labels
    nobody = np.full_like(labels, -1)
    found = calibration.measure(Logits(8.0, 8.0), validation_split, nobody, labels)
    assert found.images == 35
    sure, unsure = (np.exp(x) / (np.exp(x) + 6) for x in (8.0, 1.0))
    assert found.error_before.value == pytest.approx(1 - sure, abs=1e-3)
    assert found.error_after.value == pytest.approx(1 - unsure, abs=1e-3)
    assert (found.coverage, found.accuracy_certain) == (0, None)
    assert found.bins_after == [calibration.Bin(pytest.approx(float(unsure), abs=1e-5), 1.0, 35)]
    certain = calibration.measure(Logits(8.0, 1.0), validation_split, nobody, labels)
    assert (certain.coverage, certain.accuracy_certain) == (1, 1)
    assert certain.votes is None


def test_what_taggers_say_is_another_judge(validation_split: Split) -> None:
    said = validation_split.labels.copy()
    said[::3] = (said[::3] + 1) % 7
    said[-8:] = -1
    found = calibration.measure(Logits(8.0, 1.0), validation_split, said, said).votes
    assert found is not None
    share = sum(n % 3 > 0 for n in range(len(said) - 8)) / (len(said) - 8)
    assert found.images == len(said) - 8
    assert found.accuracy_certain == pytest.approx(share, abs=1e-5)
    assert found.error_after.value == pytest.approx(1 - share, abs=0.01)
    assert found.error_before == found.error_after, "the temperature is 1"
    assert found.bins_before == found.bins_after
    (only,) = found.bins_after
    assert (only.images, only.accuracy) == (len(said) - 8, pytest.approx(share, abs=1e-5))


def test_a_curve_ends_where_few_are_certain() -> None:
    confidence = np.linspace(0, 1, 101).astype(np.float32)
    curve = calibration.coverage_curve(confidence, confidence > 0.5)
    assert curve[0] == calibration.Point(0.0, 1.0, pytest.approx(50 / 101, abs=1e-4))
    assert curve[-1].threshold == 0.7
    assert curve[-1].accuracy == 1


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: f"{c.name} {c.strength}")
def test_a_corruption_gives_new_images_of_the_same_kind(corruption: Corruption) -> None:
    before = IMAGES.copy()
    changed = corruption.apply(IMAGES)
    assert (changed.dtype, changed.shape) == (np.uint8, IMAGES.shape)
    assert not np.shares_memory(changed, IMAGES)
    assert np.array_equal(IMAGES, before)
    assert np.array_equal(changed, IMAGES) == (corruption.name == robustness.NONE)
    assert np.array_equal(changed, corruption.apply(IMAGES))


def test_corruptions_grow_worse() -> None:
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


def test_noise_has_the_strength_that_it_says() -> None:
    grey = np.full((20, 48, 48, 1), 128, np.uint8)
    noise = robustness.noisy(grey, 10).astype(float) - 128
    assert noise.std() == pytest.approx(10, rel=0.02)


def test_a_square_that_moves_right_shows_the_face_further_left() -> None:
    spot = np.zeros((1, 48, 48, 1), np.uint8)
    spot[0, 22:26, 22:26] = 255
    light = robustness.reframed(spot, across=0.25)[0, ..., 0].sum(axis=0)
    assert light @ np.arange(48) / light.sum() == pytest.approx(11.5, abs=0.2)


def test_top1_is_of_each_model_under_each_corruption(validation_split: Split) -> None:
    corruptions = [CORRUPTIONS[0], Corruption("dark", "all", np.zeros_like)]
    said = validation_split.labels.copy()
    said[:14] = (said[:14] + 1) % 7
    said[7:] = -1
    judges = {"bars": validation_split.labels, "votes": said}
    models = dict.fromkeys(judges, Bars().classify)
    rows = robustness.measure(models, validation_split.images, judges, corruptions)
    assert [row.top1["bars"] for row in rows] == [1, pytest.approx(1 / 7, abs=1e-5)]
    assert rows[0].top1["votes"] == 0, "another judge, on the images that it knows alone"


def face_at(x: float, y: float, side: float) -> Face:
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    points = np.zeros((6, 2), np.float32)
    points[:2] = (x - side / 5, y), (x + side / 5, y)  # its eyes are level
    return Face(box, 0.9, points)


class KnowingDetector:
    """Finds every ``every``-th of ``count`` images where ``measure`` puts them, and a lamp."""

    name = framing = "blazeface"

    def __init__(self, count: int, every: int = 1) -> None:
        self._squares = iter([s for side in framing.SIDES for s in framing.places(count, side)])
        self._every, self._calls = every, 0

    def detect(self, image: Image) -> Sequence[Face]:
        assert image.shape == (360, 640, 3)
        square = next(self._squares)
        self._calls += 1
        lamp = face_at((square.x + 320) % 640, square.y, 9)
        side = square.side / CONTRACT.scale
        x, y = square.x - CONTRACT.offset_x * side, square.y - CONTRACT.offset_y * side
        return [lamp] if self._calls % self._every else [lamp, face_at(x, y, side)]


def test_the_framing_that_fits_the_detector_reaches_the_bounds(validation_split: Split) -> None:
    split = many(validation_split)
    detector = KnowingDetector(len(split.labels))
    rows = framing.measure(Bars().classify, CONTRACT, detector, split)
    assert [row.side for row in rows] == ["96", "144", "200", "280", "all"]
    for row in rows:
        assert row.found == row.shown
        top1 = row.top1
        assert top1["image itself"] == top1["exact square"] == top1["derived"] == 1
        assert top1["derived, eyes levelled"] == 1
        assert top1["bare box"] < 1


def test_only_faces_that_were_found_count_and_few_of_them_say_nothing(
    validation_split: Split,
) -> None:
    split = many(validation_split)
    detector = KnowingDetector(len(split.labels), every=2)
    *rows, pooled = framing.measure(Bars().classify, CONTRACT, detector, split)
    assert [row.found for row in rows] == [52, 53, 52, 53]
    assert {row.top1["derived"] for row in rows} == {None}
    assert (pooled.found, pooled.shown, pooled.top1["derived"]) == (210, 420, 1)


def many(split: Split) -> Split:
    """105 images, for a share of 100."""
    return replace(
        split, images=np.tile(split.images, (3, 1, 1, 1)), labels=np.tile(split.labels, 3)
    )


def test_the_image_stands_where_it_is_said_to() -> None:
    grey = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    frame = framing.embedded(grey, Square(148, 120, 96))
    assert frame.shape == (360, 640, 3)
    inside = frame[72:168, 100:196, 0]
    assert np.array_equal(inside, cv2.resize(grey, (96, 96), interpolation=cv2.INTER_CUBIC))
    assert frame[:72, :100].std() < 10  # blurred, without streaks


@pytest.mark.slow
def test_the_shipped_file_is_evaluated(repository: Path, images_folder: Path) -> None:
    h5 = repository / DEPLOYED_MODEL
    live = Live(1.0, 3.0, 0.1, 0.2, 0.0, 1.0)
    found = evaluate.evaluate([h5], images_folder, [BlazeFace()], 1, lambda _: live)
    assert list(found.models) == [DEPLOYED_FILE.name]
    assert found.framing_model == h5.stem
    assert (found.copies[h5.stem].copies, found.copies[h5.stem].others) == (0, 35)
    assert found.copies[h5.stem].top1_copies is None
    assert len(found.robustness) == len(CORRUPTIONS)
    assert [row.search for row in found.search] == [False] * 10 + [True] * 10
    assert found.live == live
    assert found.sequences is not None
    assert found.sequences.images == 35
    assert found.sequences.row(found.sequences.default).gain.value == 0


def test_images_of_other_classes_are_refused(tmp_path: Path) -> None:
    for label in ("left", "right"):
        for split in ("train", "validation"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / "a.png"), IMAGES[len(label) - 4])
    with pytest.raises(BenchmarkError, match=r"left, right, found angry, .*; name the images"):
        evaluate.evaluate([DEPLOYED_MODEL], tmp_path, [BlazeFace()])
