"""Small data and small networks, so that real training fits in a test."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import hypothesis
import numpy as np
import pytest

from train.data import Split
from train.layout import EXPRESSIONS
from train.recipe import Recipe

hypothesis.settings.register_profile("project", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("project")


def synthetic_split(name: str, each: int, seed: int) -> Split:
    """Bright bars whose place tells the class, with noise: learnable in a few steps."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(EXPRESSIONS)), each)
    images = rng.integers(0, 60, (len(labels), 48, 48, 1)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 6] += np.uint8(190)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    names = tuple(f"{name}/{EXPRESSIONS[label]}/{i}.jpg" for i, label in enumerate(labels))
    return Split(name, images, labels, names, EXPRESSIONS)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def train_split() -> Split:
    return synthetic_split("train", 24, 0)


@pytest.fixture(scope="session")
def validation_split() -> Split:
    return synthetic_split("validation", 5, 1)


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """The seed recipe's structure in a size that trains in a second."""
    return Recipe("tiny", sets=((4,), (6,), (8,)), dense=(8, 8, 8), epochs=3, batch_size=32)


@pytest.fixture(scope="session")
def deep() -> Recipe:
    """The structure of the deployed recipe, as small."""
    return Recipe("deep", sets=((4,), (6, 6), (8, 8)), dense=(8,), normalise_dense=True)


@pytest.fixture(scope="session")
def images_folder(
    tmp_path_factory: pytest.TempPathFactory, train_split: Split, validation_split: Split
) -> Path:
    """The two splits as a data set on disk (PNG, so that the pixels stay what they are)."""
    root = tmp_path_factory.mktemp("images")
    for split in (train_split, validation_split):
        for image, name in zip(split.images, split.names, strict=True):
            path = (root / name).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    return root
