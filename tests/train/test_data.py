"""Images on disk become arrays in a fixed order, and what can't be used is named."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import synthetic_split
from tests.train.archives import dataset, noise, png, write_files
from train.data import Split, copies_in_train, fingerprint, load_split
from train.errors import DatasetError
from train.layout import EXPRESSIONS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path, dataset("train", "validation", each=20))


def test_labels_are_those_of_keras() -> None:
    """Alphabetical, which is what a directory loader gives."""
    assert list(EXPRESSIONS) == sorted(EXPRESSIONS)
    assert len(EXPRESSIONS) == 7


def test_order_labels_and_pixels(root: Path) -> None:
    split = load_split(root, "train")
    assert split.images.shape == (140, 48, 48, 1)
    assert split.images.dtype == np.uint8
    assert split.labels.dtype == np.int64
    assert list(split.names) == sorted(split.names)
    for image, label, name in zip(split.images, split.labels, split.names, strict=True):
        assert name.split("/")[:2] == ["train", EXPRESSIONS[label]]
        np.testing.assert_array_equal(image[..., 0], cv2.imread(str(root / name), 0))
    assert len(split.digests) == 140
    assert split.unreadable == ()


def test_colour_is_made_grey_and_other_files_are_passed_over(root: Path) -> None:
    colour = np.full((48, 48, 3), (255, 0, 0), np.uint8)  # BGR
    write_files(root, {"train/angry/0.png": png(colour), "train/angry/notes.txt": b"x"})
    split = load_split(root, "train")
    assert len(split.images) == 140
    assert split.images[0].max() == 29  # 0.114 of blue


def test_up_to_one_percent_is_left_out_and_listed(root: Path) -> None:
    write_files(root, {"train/sad/3.png": b"text"})
    split = load_split(root, "train")
    assert split.unreadable == ("train/sad/3.png: not an image",)
    assert "train/sad/3.png" not in split.names
    assert len(split.images) == len(split.labels) == len(split.digests) == 139


def test_what_has_no_size_in_its_header_is_not_decoded(root: Path) -> None:
    radiance = cv2.imencode(".hdr", np.ones((48, 48, 3), np.float32))[1].tobytes()
    assert cv2.imdecode(np.frombuffer(radiance, np.uint8), cv2.IMREAD_GRAYSCALE) is not None
    write_files(root, {"train/sad/3.png": radiance})
    assert load_split(root, "train").unreadable == ("train/sad/3.png: not an image",)


def test_more_than_one_percent_stops(root: Path) -> None:
    bad = {"fear/1.png": b"", "fear/2.png": b"text", "happy/3.png": noise(1)[:-900]}
    write_files(root, {f"train/{name}": content for name, content in bad.items()})
    with pytest.raises(DatasetError, match="found 3 of 140") as caught:
        load_split(root, "train")
    for finding in ("fear/1.png: not an image", "happy/3.png: not an image"):
        assert finding in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_split(root: Path) -> None:
    os.renames(root / "train", root / "elsewhere")
    with pytest.raises(DatasetError, match="only those of validation; run 'make data ARCHIVE=…'"):
        load_split(root, "train")
    with pytest.raises(DatasetError, match="no such folder; run 'make data ARCHIVE=…'"):
        load_split(root / "none", "train")


def test_all_classes_without_images_are_named(root: Path) -> None:
    os.renames(root / "train/sad", root / "elsewhere")
    for path in (root / "train/fear").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"of every class .* none in train/fear, train/sad; add"):
        load_split(root, "train")


def test_the_fingerprint_is_of_names_and_bytes(root: Path) -> None:
    train, validation = load_split(root, "train"), load_split(root, "validation")
    print_ = fingerprint(train, validation)
    assert print_ == fingerprint(validation, train)
    assert print_ != fingerprint(train)
    (root / "train/sad/1.png").rename(root / "train/sad/x.png")
    assert fingerprint(load_split(root, "train"), validation) != print_
    (root / "train/sad/x.png").rename(root / "train/sad/1.png")
    assert fingerprint(load_split(root, "train"), validation) == print_
    write_files(root, {"train/sad/1.png": noise(12345)})
    assert fingerprint(load_split(root, "train"), validation) != print_


@given(st.lists(st.integers(0, 20), min_size=1), st.lists(st.integers(0, 20), min_size=1))
def test_copies_are_images_with_the_same_pixels(train: list[int], validation: list[int]) -> None:
    def split(values: list[int]) -> Split:
        images = np.zeros((len(values), 48, 48, 1), np.uint8)
        images[:, 7, 9, 0] = values
        return Split(
            "any", images, np.zeros(len(values), np.int64), ("",) * len(values), EXPRESSIONS
        )

    found = copies_in_train(split(validation), split(train))
    assert found.tolist() == [value in train for value in validation]


def test_no_copies_in_different_noise() -> None:
    assert not copies_in_train(synthetic_split("a", 2, 0), synthetic_split("b", 2, 1)).any()
