"""Both ways of an epoch are timed, on images that are there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from train.errors import DatasetError
from train.speed import measure


def test_both_ways_are_timed(tiny, images_folder: Path) -> None:
    speed = measure(tiny, images_folder, epochs=1)
    assert len(speed.plain) == len(speed.fast) == 1
    assert speed.ratio == pytest.approx(speed.plain[0] / speed.fast[0])
    assert speed.precision in ("float32", "mixed_bfloat16")


def test_what_only_plain_keras_cant_read_is_named(
    tiny, images_folder: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(images_folder, images)
    image = next((images / "validation/sad").iterdir())
    for number in range(100):  # one in more than a hundred is left out of a training
        shutil.copy(image, image.with_name(f"more{number}{image.suffix}"))
    image.write_bytes(b"no image")
    with pytest.raises(DatasetError, match="plain Keras reads too, found"):
        measure(tiny, images, epochs=1)


def test_missing_images_are_named(tiny, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="make data"):
        measure(tiny, tmp_path / "none", epochs=1)
