"""The images on disk as arrays.

Classes are in alphabetical order, which is that of Keras' directory loader.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.files import read_regular
from edge.sources.images import FORMATS, sizes
from train.errors import DatasetError
from train.layout import TRAIN, VALIDATION, Layout, find_layout
from train.native import native_stderr_hidden
from train.place import finish

SIDE = 48
"""Pixels, of FER2013's images."""
MAX_UNREADABLE = 0.01
MAX_BYTES = 1 << 26
"""Of one file."""
MAX_PIXELS = 100_000_000
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a data set, sorted by label and file name.

    ``images`` is ``uint8[n, side, side, 1]`` grey, ``labels`` ``int64[n]`` indices into
    ``classes``, ``names`` the paths ``split/class/file``, ``digests`` the SHA-256 of the files'
    bytes, and ``unreadable`` the paths that were left out, each with its reason.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    digests: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def part(self, name: str, chosen: NDArray[np.bool_]) -> Split:
        """Return the ``chosen`` images (``bool[n]``) as a split of another name."""
        places = np.flatnonzero(chosen).tolist()
        return replace(
            self,
            name=name,
            images=self.images[chosen],
            labels=self.labels[chosen],
            names=tuple(f"{name}/{self.names[i].partition('/')[2]}" for i in places),
            digests=self.digests and tuple(self.digests[i] for i in places),
        )


def load_splits(root: Path, side: int = SIDE, origin: str = "") -> dict[str, Split]:
    """Read the data set in ``root``: "train", "validation" and, where there is one, "test".

    Folders may lie as ``find_layout`` knows them; one that nobody divided is divided as
    ``validation_part`` does. Images of another size are cut to their central square and resized to
    ``side`` pixels. ``origin`` is what a message calls them where the user doesn't know ``root``.
    Raises ``DatasetError``, also where more than 1 % of a split's images can't be read.
    """
    layout = _layout(root, origin)
    names = dict.fromkeys(split for split, _, _ in layout.places.values())
    splits = {name: _read_split(root, layout, name, side, origin) for name in sorted(names)}
    if VALIDATION in splits:
        return splits
    return divided(splits[TRAIN], origin or str(root))


def load_split(root: Path, name: str, side: int = SIDE) -> Split:
    """Read one split of the data set in ``root``, as ``load_splits`` does."""
    layout = _layout(root)
    if layout.divided:
        return _read_split(root, layout, name, side)
    return load_splits(root, side)[name]


def load_unseen(root: Path, side: int) -> Split:
    """Read the validation split of ``root``, or all of a folder that nobody divided."""
    layout = _layout(root)
    return _read_split(root, layout, VALIDATION if layout.divided else TRAIN, side)


def load_whole(root: Path) -> Split:
    """Read the images of all classes in ``root``, which nobody divided; as ``load_splits``."""
    return _read_split(root, _layout(root), TRAIN)


def divided(whole: Split, what: str) -> dict[str, Split]:
    """Return the parts of a data set that train and validate; ``what`` is what a message calls it.

    Raises ``DatasetError`` where a class has not two different pictures.
    """
    from train.divide import validation_part  # noqa: PLC0415 - tests on a device have no SciPy

    validates = validation_part(whole.images, whole.labels, whole.names)
    found = np.bincount(whole.labels[validates], minlength=len(whole.classes))
    if not found.all():
        few = whole.classes[int(found.argmin())]
        raise DatasetError(
            f"{what}: expected two different pictures at least of every class, found fewer of "
            f"{few}; add some, or take the class away"
        )
    return {
        TRAIN: whole.part(TRAIN, ~validates),
        VALIDATION: whole.part(VALIDATION, validates),
    }


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


def list_files(root: Path) -> Iterator[str]:
    """Yield the paths of all files below ``root``, with forward slashes; links are not followed."""
    for folder, _, files in os.walk(root):
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in files)


def _layout(root: Path, origin: str = "") -> Layout:
    if not root.is_dir():
        raise DatasetError(
            f"{root}: expected a folder of images, found no such folder; run 'make data ARCHIVE=…' "
            "first"
        )
    finish(root)
    return find_layout(list_files(root), origin or str(root))


def _read_split(root: Path, layout: Layout, name: str, side: int = SIDE, origin: str = "") -> Split:
    # One after the other: threads gain nothing on files this small, and a pool of them can hang
    # where Ctrl-C arrives between its locks.
    places = sorted((place, path) for path, place in layout.places.items() if place[0] == name)
    if not places:
        found = ", ".join(dict.fromkeys(split for split, _, _ in layout.places.values()))
        raise DatasetError(
            f"{origin or root}: expected images to {name} with, found only those of {found}; run "
            "'make data ARCHIVE=…' first"
        )
    images, labels, kept, digests, unreadable = [], [], [], [], []
    with native_stderr_hidden():  # what is wrong with a picture is said below
        read = [_read(root / path, side) for _, path in places]
    for ((_, label, file), _), (image, finding) in zip(places, read, strict=True):
        if image is None:
            unreadable.append(f"{name}/{label}/{file}: {finding}")
            continue
        images.append(image)
        labels.append(layout.classes.index(label))
        kept.append(f"{name}/{label}/{file}")
        digests.append(finding)
    _check_readable(unreadable, len(places), origin or f"{root / name}")
    return Split(
        name=name,
        images=np.stack(images)[..., np.newaxis],
        labels=np.array(labels, np.int64),
        names=tuple(kept),
        classes=layout.classes,
        digests=tuple(digests),
        unreadable=tuple(unreadable),
    )


def _check_readable(unreadable: Sequence[str], count: int, what: str) -> None:
    if len(unreadable) > MAX_UNREADABLE * count:
        listed = "; ".join(unreadable[:_LISTED]) + ("; …" if len(unreadable) > _LISTED else "")
        raise DatasetError(
            f"{what}: expected images, at most {MAX_UNREADABLE:.0%} of them unreadable, found "
            f"{len(unreadable)} of {count} ({listed}); repair or remove them"
        )


def _read(path: Path, side: int) -> tuple[NDArray[np.uint8] | None, str]:
    """``uint8[side, side]`` and the SHA-256 of the file, or nothing and what is wrong with it."""
    try:
        content = read_regular(path, MAX_BYTES)
    except OSError as error:
        return None, error.strerror or "not readable"
    image = decoded(content, cv2.IMREAD_GRAYSCALE)
    if isinstance(image, str):
        return None, image
    return square(image, side), hashlib.sha256(content).hexdigest()


def decoded(content: bytes, flag: int) -> NDArray[np.uint8] | str:
    """Return the picture in ``content`` as OpenCV's ``flag`` says, or what is wrong with it."""
    if (pixels := _pixels(content)) is None:
        return "not an image"
    if pixels > MAX_PIXELS:
        return f"more than {MAX_PIXELS // 1_000_000} megapixels"
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:  # an empty file, or a header that makes no sense
        image = None
    return "not an image" if image is None else np.asarray(image, np.uint8)


def _pixels(content: bytes) -> float | None:
    """How many pixels the header promises; None where it is that of no picture."""
    from PIL import Image  # noqa: PLC0415 - tests on a device have no Pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                return float(max(width * height for _, (width, height) in sizes(picture)))
    except Image.DecompressionBombError:
        return math.inf
    except (OSError, ValueError, SyntaxError):
        return None


def square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the central square of ``image`` (``uint8[h, w]`` or ``uint8[h, w, 3]``), resized."""
    height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    part = image[top : top + least, left : left + least]
    method = cv2.INTER_AREA if least > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (side, side), interpolation=method), np.uint8)


def check_classes(split: Split, classes: Sequence[str], what: str) -> None:
    """Raise ``DatasetError`` unless ``split`` has the ``classes`` that a model (``what``) knows."""
    if split.classes != tuple(classes):
        raise DatasetError(
            f"images: expected the classes of {what}, {', '.join(classes)}, found "
            f"{', '.join(split.classes)}; name the images that it was trained on with DATA=…"
        )


def subset(split: Split, share: float) -> Split:
    """Return this ``share`` of the images of each class, one at least, always the same ones."""
    if share == 1:
        return split
    chosen = np.zeros(len(split.names), bool)
    for own in shuffled_by_class(split):
        chosen[own[: max(round(share * len(own)), 1)]] = True
    return split.part(split.name, chosen)


def shuffled_by_class(split: Split) -> Iterator[NDArray[np.int64]]:
    """Yield the images of each class, ``int64[m]``, in the order of the SHA-256 of their names.

    Of one data set that is always the same order, wherever its files lie on the disk.
    """
    keys = [hashlib.sha256(name.encode()).digest() for name in split.names]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    for label in range(len(split.classes)):
        yield order[split.labels[order] == label]


def per_class(split: Split) -> Mapping[str, int]:
    """Return how many images each class has."""
    counts = np.bincount(split.labels, minlength=len(split.classes))
    return dict(zip(split.classes, counts.tolist(), strict=True))
