"""Both ways of an epoch are timed, on images that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.errors import DatasetError
from train.speed import measure


def test_both_ways_are_timed(tiny, images_folder: Path) -> None:
    speed = measure(tiny, images_folder, epochs=1)
    assert len(speed.plain) == len(speed.fast) == 1
    assert speed.ratio == pytest.approx(speed.plain[0] / speed.fast[0])
    assert speed.precision in ("float32", "mixed_bfloat16")


def test_missing_images_are_named(tiny, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="make data"):
        measure(tiny, tmp_path / "none", epochs=1)
