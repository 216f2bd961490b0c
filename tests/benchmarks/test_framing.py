"""Faces stand where they are said to, and only those that were found there are counted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from benchmarks import framing
from benchmarks.framing import BACKGROUNDS, SIDES, Place
from edge.assets import asset_path
from edge.contract import Framing
from edge.crops import Square, crop_square
from edge.detectors.blazeface import BlazeFace
from edge.frames import Box, Face, Image
from tests.benchmarks.fakes import Bars
from train.data import Split

CONTRACT = Framing(scale=1.25, offset_x=0.02, offset_y=-0.1)
HIGH, WIDE = 360, 640


def face_at(x: float, y: float, side: float) -> Face:
    """A face with its eyes level."""
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    points = np.zeros((6, 2), np.float32)
    points[:2] = (x - side / 5, y), (x + side / 5, y)
    return Face(box, 0.9, points)


def face_in(place: Place) -> Face:
    """The detection from which ``CONTRACT`` derives the place of the image."""
    square = place.square()
    side = square.side / CONTRACT.scale
    return face_at(square.x - CONTRACT.offset_x * side, square.y - CONTRACT.offset_y * side, side)


class KnowingDetector:
    """Knows where ``measure`` puts ``count`` images; finds every ``every``-th, and a lamp."""

    name = "knowing"

    def __init__(self, count: int, every: int = 1) -> None:
        shown = itertools.product(BACKGROUNDS, SIDES)
        self._places = iter([p for _, side in shown for p in framing.places(count, side)])
        self._every = every
        self._calls = 0

    def detect(self, image: Image) -> Sequence[Face]:
        assert image.shape == (HIGH, WIDE, 3)
        place = next(self._places)
        self._calls += 1
        lamp = face_at((place.left + WIDE / 2) % WIDE, (place.top + HIGH / 2) % HIGH, 9)
        beside = [] if place.holds(lamp) else [lamp]
        return beside if self._calls % self._every else [*beside, face_in(place)]


@pytest.fixture(scope="module")
def result(validation_split: Split) -> dict:
    detector = KnowingDetector(len(validation_split.labels))
    return framing.measure(Bars(), CONTRACT, detector, validation_split)


def test_the_framing_that_fits_the_detector_reaches_the_bounds(result: dict) -> None:
    assert len(result["rows"]) == len(BACKGROUNDS) * (len(SIDES) + 1)
    for row in result["rows"]:
        top1 = row["top1"]
        assert row["found"] == 1
        assert top1["image itself"] == top1["exact square"] == top1["derived"] == 1
        assert top1["derived, eyes levelled"] == 1
        assert top1["bare box"] < 1


def test_the_result_is_ready_for_json(result: dict) -> None:
    assert json.loads(json.dumps(result)) == result
    assert result["framings"]["derived, eyes levelled"]["rotate"] is True
    assert result["framings"]["derived"]["scale"] == CONTRACT.scale


def test_only_faces_that_were_found_are_counted(validation_split: Split) -> None:
    count = len(validation_split.labels)
    detector = KnowingDetector(count, every=3)
    result = framing.measure(Bars(), CONTRACT, detector, validation_split)
    overall = [row for row in result["rows"] if row["side"] == framing.ALL_SIDES]
    assert [row["shown"] for row in overall] == [count * len(SIDES)] * len(BACKGROUNDS)
    assert [row["found"] for row in overall] == pytest.approx([1 / 3] * 2, abs=0.01)
    assert all(row["top1"]["derived"] == 1 for row in overall)


def test_nothing_found_is_shown_as_nothing(validation_split: Split) -> None:
    detector = KnowingDetector(len(validation_split.labels), every=10_000)
    result = framing.measure(Bars(), CONTRACT, detector, validation_split)
    assert all(set(row["top1"].values()) == {None} for row in result["rows"])
    lines = framing.table(result).splitlines()
    assert lines[2] == "| soft border | 96 | 0.0% | 0 | – | – | – | – | – | – |"


def test_the_table_shows_the_figures() -> None:
    row = {"background": "plain grey", "side": 144, "shown": 800, "found": 0.875}
    few = {"background": "plain grey", "side": 96, "shown": 800, "found": 0.1}
    top1 = {"top1": {"image itself": 0.5542, "bare box": None}}
    result = {"rows": [row | top1, few | top1]}
    assert framing.table(result).splitlines() == [
        "| background | image in px | found | faces | image itself | bare box |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| plain grey | 144 | 87.5% | 700 | 55.4% | – |",
        "| plain grey | 96 | 10.0% | 80 | – | – |",
    ]


def test_a_detection_elsewhere_is_not_the_face() -> None:
    place = Place(100, 50, 96)
    inside, outside = (100, 50), [(99.9, 50), (100, 49.9), (196, 60), (110, 146)]
    assert place.holds(face_at(*inside, 300))
    assert not any(place.holds(face_at(*centre, 300)) for centre in outside)


@pytest.mark.parametrize("count", [1, 7, 999, 1000, 1001, 3589])
def test_the_sample_is_evenly_spaced(count: int) -> None:
    chosen = framing.sample(count)
    assert len(set(chosen)) == len(chosen) == min(count, 1000)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert np.ptp(np.diff(chosen)) <= 1 if count > 1 else True


@pytest.mark.parametrize("side", SIDES)
def test_places_lie_in_the_frame_and_fill_it(side: int) -> None:
    chosen = framing.places(500, side)
    corners = np.array([(p.left, p.top, p.left + side, p.top + side) for p in chosen])
    assert corners.min(axis=0) == pytest.approx([0, 0, side, side], abs=6)
    assert corners.max(axis=0) == pytest.approx([WIDE - side, HIGH - side, WIDE, HIGH], abs=6)
    assert (corners >= 0).all()
    assert (corners[:, 2] <= WIDE).all()
    assert (corners[:, 3] <= HIGH).all()
    assert chosen == framing.places(500, side)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("place", [Place(0, 0, 96), Place(544, 264, 96), Place(201, 37, 280)])
def test_the_image_stands_at_its_place(background: str, place: Place) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 2)
    frame = BACKGROUNDS[background](image, place)
    assert (frame.dtype, frame.shape) == (np.uint8, (HIGH, WIDE, 3))
    crop = crop_square(frame, place.square(), 48, 48)
    assert np.abs(crop.astype(int) - image).max() <= 6
    moved = Square(place.square().x + place.side / 24, place.square().y, place.side)
    assert np.abs(crop_square(frame, moved, 48, 48).astype(int) - image).max() > 6


def test_backgrounds_are_what_they_say() -> None:
    image = np.full((48, 48), 200, np.uint8)
    place = Place(100, 50, 96)
    assert np.unique(framing.on_soft_border(image, place)) == [200]
    assert (framing.on_plain(image, place) == 127).sum() == (HIGH * WIDE - 96 * 96) * 3


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_blazeface_finds_a_face_that_was_embedded(background: str) -> None:
    portrait = np.asarray(cv2.imread(str(asset_path("astronaut"))), np.uint8)
    image = crop_square(portrait, Square(225, 121, 112), 48, 48)[..., np.newaxis]
    place = Place(330, 90, 200)
    frame = BACKGROUNDS[background](image[..., 0], place)
    contract = Framing(scale=1.18, offset_y=-0.092)
    framings = framing.framings_beside(contract)
    crops = framing.crops_of(image, place, frame, BlazeFace(), framings)
    assert list(crops) == ["image itself", "exact square", *framings]
    assert all(crop.shape == image.shape for crop in crops.values())
    errors = {name: np.abs(crop.astype(float) - image).mean() for name, crop in crops.items()}
    assert errors["image itself"] == 0
    assert errors["exact square"] < 3
    assert errors["exact square"] < errors["derived"] < errors["bare box"]
    assert errors["derived"] < errors["1.45 × box"]
