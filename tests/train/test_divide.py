"""A data set that nobody divided: the same parts every time, copies never in both."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.train.archives import noise, png, write_files
from train.data import load_splits, subset
from train.divide import near_duplicates, validation_part
from train.errors import DatasetError


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Different pictures without much noise."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 8, 8)).astype(np.uint8)
    return np.stack([cv2.resize(each, (48, 48), interpolation=cv2.INTER_CUBIC) for each in small])[
        ..., None
    ]


def test_15_percent_of_each_class_and_no_copy_in_both() -> None:
    images = np.concatenate([pictures(100), pictures(40, 1)])
    images[3], images[120] = images[70], images[110] // 2 + 9  # darker, of less contrast
    labels = np.repeat([0, 1], [100, 40])
    names = tuple(f"train/{label}/{i}.png" for i, label in enumerate(labels))
    found = validation_part(images, labels, names)
    assert found[labels == 0].sum() == 15
    assert found[labels == 1].sum() == 6
    assert found[3] == found[70]
    assert found[110] == found[120]
    groups = near_duplicates(images)
    assert groups[3] == groups[70]
    assert groups[110] == groups[120]
    assert len(set(groups)) == 138
    turned = np.random.default_rng(0).permutation(len(images))
    again = validation_part(images[turned], labels[turned], tuple(names[i] for i in turned))
    assert (again == found[turned]).all(), "whatever the order on the disk"


def test_a_folder_of_classes_is_divided_when_it_is_read(tmp_path: Path) -> None:
    files = {
        f"set/{c}/{i}.jpg": noise(100 * n + i, 60) for n, c in enumerate("ab") for i in range(20)
    }
    splits = load_splits(write_files(tmp_path, files), 32)
    train, validation = splits["train"], splits["validation"]
    assert train.images.shape == (34, 32, 32, 1)
    assert validation.images.shape == (6, 32, 32, 1)
    assert validation.classes == ("a", "b")
    assert all(name.startswith("validation/") for name in validation.names)
    assert not {name.partition("/")[2] for name in train.names} & {
        name.partition("/")[2] for name in validation.names
    }
    tenth = subset(train, 0.1)
    assert np.bincount(tenth.labels).tolist() == [2, 2]
    assert set(tenth.names) < set(train.names)


def test_one_picture_is_not_enough_for_a_class(tmp_path: Path) -> None:
    files = {f"a/{i}.png": noise(i) for i in range(5)} | {f"b/{i}.png": noise(9) for i in range(5)}
    with pytest.raises(DatasetError, match=r"two different pictures at least .* fewer of b; add"):
        load_splits(write_files(tmp_path, files))


def test_pictures_of_any_size_become_squares(tmp_path: Path) -> None:
    wide = np.zeros((60, 100, 3), np.uint8)
    wide[:, 20:80] = 200
    files = {f"{c}/{i}.png": noise(7 * n + i) for n, c in enumerate("ab") for i in range(5)}
    files |= {"train/a/w.png": png(wide)} | {f"train/{name}": data for name, data in files.items()}
    files |= {f"val/{name}": noise(99) for name in ("a/1.png", "b/1.png")}
    train = load_splits(write_files(tmp_path, files))["train"]
    square = train.images[list(train.names).index("train/a/w.png")]
    assert square.shape == (48, 48, 1)
    assert (square == 200).all(), "the middle of it"


def test_enormous_pictures_are_passed_over(tmp_path: Path) -> None:
    files = {f"{c}/{i:03}.png": noise(200 * n + i) for n, c in enumerate("ab") for i in range(120)}
    files["a/huge.png"] = png(np.zeros((20_000, 20_000), np.uint8))
    write_files(tmp_path, files)
    with (tmp_path / "b/long.png").open("wb") as file:
        file.truncate(300 << 20)
    whole = load_splits(tmp_path)["train"]
    assert whole.unreadable == (
        "train/a/huge.png: more than 100 megapixels",
        "train/b/long.png: more than 64 MB",
    )
