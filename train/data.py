"""The images on disk as arrays, and the one definition of the labels.

``<root>/<split>/<class>/<file>`` with 48×48 grey images. The order of the labels is alphabetical,
which is that of Keras' directory loader; nowhere else in the repository are they written down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from train.errors import DatasetError

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
IMAGE_SIZE = 48
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
MAX_UNREADABLE = 0.01
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a data set, sorted by label and file name.

    ``images`` is ``uint8[n, 48, 48, 1]`` grey, ``labels`` ``int64[n]`` indices into ``LABELS``,
    ``names`` the paths ``split/class/file``, ``digests`` the SHA-256 of the files' bytes, and
    ``unreadable`` the paths that were left out, each with its reason.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    digests: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def load_split(root: Path, split: str, origin: str = "") -> Split:
    """Read ``<root>/<split>``; files other than images (``SUFFIXES``) are passed over.

    ``origin`` is what a message calls the images where the user doesn't know them by ``root``.
    Raises ``DatasetError`` where it or one of its class folders is missing or empty, or where more
    than 1 % of its images can't be read as 48×48.
    """
    paths = _files(root / split)
    # One after the other: threads gain nothing on files this small, and a pool of them can hang
    # where Ctrl-C arrives between its locks.
    read = [_read(path) for path in paths]
    names = [f"{split}/{path.parent.name}/{path.name}" for path in paths]
    images, labels, kept, digests, unreadable = [], [], [], [], []
    for name, path, (image, finding) in zip(names, paths, read, strict=True):
        if image is None:
            unreadable.append(f"{name}: {finding}")
            continue
        images.append(image)
        labels.append(LABELS.index(path.parent.name))
        kept.append(name)
        digests.append(finding)
    if len(unreadable) > MAX_UNREADABLE * len(paths):
        listed = "; ".join(unreadable[:_LISTED]) + ("; …" if len(unreadable) > _LISTED else "")
        raise DatasetError(
            f"{origin or root / split}: expected {IMAGE_SIZE}×{IMAGE_SIZE} images, at most "
            f"{MAX_UNREADABLE:.0%} of them unreadable, found {len(unreadable)} of {len(paths)} "
            f"({listed}); repair them, or name other images with 'make data ARCHIVE=…'"
        )
    return Split(
        name=split,
        images=np.stack(images)[..., np.newaxis],
        labels=np.array(labels, np.int64),
        names=tuple(kept),
        digests=tuple(digests),
        unreadable=tuple(unreadable),
    )


def fingerprint(*splits: Split) -> str:
    """Return a SHA-256 over the names and contents of all files, whatever their order."""
    lines = sorted(
        f"{name} {digest}\n"
        for split in splits
        for name, digest in zip(split.names, split.digests, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def copies_in_train(validation: Split, train: Split) -> NDArray[np.bool_]:
    """``bool[n]``: which validation images have the same pixels as a training image."""
    known = {image.tobytes() for image in train.images}
    return np.array([image.tobytes() in known for image in validation.images], bool)


def _files(folder: Path) -> list[Path]:
    """The images of all classes; raises ``DatasetError`` where a class has none."""
    files = {
        label: sorted(p for p in (folder / label).glob("*") if p.suffix.lower() in SUFFIXES)
        for label in LABELS
    }
    empty = [label for label in LABELS if not files[label]]
    if empty:
        found = f"none in {', '.join(empty)}" if folder.is_dir() else "no such folder"
        raise DatasetError(
            f"{folder}: expected images of every class, found {found}; "
            "run 'make data ARCHIVE=…' first"
        )
    return [file for label in LABELS for file in files[label]]


def _read(path: Path) -> tuple[NDArray[np.uint8] | None, str]:
    """``uint8[48, 48]`` and the SHA-256 of the file, or nothing and what is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, error.strerror or "not readable"
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # an empty file, or a header that promises too many pixels
        image = None
    if image is None:
        return None, "not an image"
    if image.shape != (IMAGE_SIZE, IMAGE_SIZE):
        return None, f"{image.shape[1]}×{image.shape[0]} pixels"
    return np.asarray(image, np.uint8), hashlib.sha256(content).hexdigest()
