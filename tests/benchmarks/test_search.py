"""Scenes hold what they say, and people who are found are counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import scenes, search
from benchmarks.candidates import DEPLOYED_FILE
from benchmarks.search import Recall
from edge.contract import Framing, ModelContract
from edge.types import Box
from tests.benchmarks.samples import Bars
from tests.edge.fakes import FakeDetector
from train.data import Split
from train.layout import EXPRESSIONS

CONTRACT = ModelContract(EXPRESSIONS, 48, 48, 1, framings={"blazeface": Framing()})


def test_a_group_has_faces_of_one_size_that_stand_apart() -> None:
    images = list(np.random.default_rng(0).integers(0, 256, (6, 48, 48), np.uint8))
    picture, boxes = scenes.group(images, 60, (360, 640), np.random.default_rng(1))
    assert picture.shape == (360, 640, 3)
    assert [index for index, _ in boxes] == list(range(6))
    for index, box in boxes:
        assert (box.width, box.height) == pytest.approx((60, 60))
        assert all(box.iou(other) == 0 for n, other in boxes if n != index)
    again, _ = scenes.group(images, 60, (360, 640), np.random.default_rng(1))
    assert np.array_equal(picture, again)


def test_a_part_beyond_the_picture_is_cut() -> None:
    picture = np.zeros((50, 50, 3), np.uint8)
    scenes.paste(picture, np.full((20, 20, 3), 200, np.uint8), 0, 25)
    scenes.paste(picture, np.full((20, 20, 3), 200, np.uint8), -40, 25)
    assert picture[25, :5].min() > 150
    assert picture[:, 15:].max() == 0


def test_what_is_found_is_counted_by_size(validation_split: Split) -> None:
    nobody = search.measure([FakeDetector()], Bars(), CONTRACT, validation_split, 1)
    assert [row.found + row.false for row in nobody] == [0] * 20
    lamp = search.measure(
        [FakeDetector(Box(2, 2, 300, 300))], Bars(), CONTRACT, validation_split, 1
    )
    assert all(row.found + row.false <= 1 for row in lamp)
    assert sum(row.false for row in lamp) > 10


@pytest.mark.slow
def test_a_live_face_is_soon_seen_and_never_lost(repository: Path) -> None:
    """As the benchmark measures it; here only that it is far from never."""
    assert search.appears(repository / DEPLOYED_FILE, 1) < 1
    assert search.lost(repository / DEPLOYED_FILE) <= 0.2


def test_metres_are_those_of_a_pinhole_camera() -> None:
    """At 90° a picture is twice as wide as it is far away."""
    assert search.metres(1, 90) == pytest.approx(0.15 / (2 * 9 / 16))
    assert search.metres(0.05, 60) == pytest.approx(20 * search.metres(1, 60))


def test_the_reach_is_the_smallest_size_from_which_on_half_are_found() -> None:
    rows = [
        Recall("d", True, share, 1, 10, found, 0, 0, 1.0)
        for share, found in ((0.03, 6), (0.04, 4), (0.06, 5), (0.2, 10))
    ]
    assert search.reach(rows, "d", True) == 0.06
    assert search.reach(rows, "d", False) is None
