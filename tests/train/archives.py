"""Small data sets as ZIP archives, as they should be and as they should not."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from train.layout import EXPRESSIONS

PUBLIC_LAYOUTS = {
    "images/train, images/validation": ("images/train", "images/validation"),
    "train, test": ("train", "test"),
}


def png(image: np.ndarray) -> bytes:
    """``uint8[h, w]`` → PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def noise(seed: int, size: int = 48) -> bytes:
    """A PNG of noise."""
    rng = np.random.default_rng(seed)
    return png(rng.integers(0, 256, (size, size)).astype(np.uint8))


def dataset(
    train: str = "images/train", validation: str = "images/validation", each: int = 2, seed: int = 0
) -> dict[str, bytes]:
    """Path → content of a data set with ``each`` different images in every class."""
    places = [
        f"{folder}/{label}/{i}.png"
        for folder in (train, validation)
        for label in EXPRESSIONS
        for i in range(each)
    ]
    return {place: noise(1000 * seed + i) for i, place in enumerate(places)}


def write_zip(
    path: Path,
    files: Mapping[str, bytes],
    extra: Iterable[tuple[zipfile.ZipInfo, bytes]] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write ``files`` and then ``extra`` members, whatever these are."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for info, content in extra:
            archive.writestr(info, content)
    return path


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write ``files`` below ``root``."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def tree(root: Path) -> dict[str, bytes]:
    """Path → content of all files below ``root``."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
