"""Which split and class each image of a data set is of, told by the folders that it is in.

``…/<split>/<class>/<file>``, or ``…/<class>/<file>`` where nobody divided it, the splits by any of
their usual names and in any capitals, below any number of other folders.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from train.errors import DatasetError

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The labels of FER2013 in the order of the models; nowhere else are they written down."""
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
TRAIN, VALIDATION, TEST = "train", "validation", "test"
MOST_CLASSES = 100
_SPLITS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "val", "valid", "publictest"), VALIDATION),
    **dict.fromkeys(("test", "testing", "privatetest"), TEST),
}
"""Name of a folder, in small letters → split."""
_WORDS = {
    "angry": ("anger",),
    "disgust": ("disgusted",),
    "fear": ("afraid", "fearful"),
    "happy": ("happiness",),
    "neutral": (),
    "sad": ("sadness",),
    "surprise": ("surprised",),
}
_MEANINGS = {word: label for label, words in _WORDS.items() for word in (label, *words)}
_NUMBERS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The labels by their number in ``fer2013.csv``."""
_SAFE = re.compile(r"[^/\\:.][^/\\:]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """``places`` has where each image belongs: its path → split, class and file name.

    ``folders`` says which split each folder is, for people; nothing where nobody divided the data
    set: then all are of ``TRAIN``. ``others`` counts the files that have no place.
    """

    places: Mapping[str, tuple[str, str, str]]
    classes: tuple[str, ...]
    folders: Mapping[str, str]
    others: int

    @property
    def divided(self) -> bool:
        """Whether there are images to validate with."""
        return any(split == VALIDATION for split, _, _ in self.places.values())

    def __str__(self) -> str:
        """For people: "train → train, test → validation; 2 other files left out"."""
        what = ", ".join(f"{folder} → {split}" for folder, split in self.folders.items())
        others = f"; {self.others:,} other files left out" if self.others else ""
        return (what or f"{len(self.classes)} classes, not divided") + others


def find_layout(names: Iterable[str], what: str, expressions: bool = False) -> Layout:
    """Return where the images among ``names`` belong, which are paths with forward slashes.

    ``what`` is what a message calls them. With ``expressions`` classes that mean those of FER2013
    have the names of ``EXPRESSIONS``. The test images are for validation where there are no others.
    Raises ``DatasetError`` where there are not 2 to ``MOST_CLASSES`` classes, or where one has no
    images in a split.
    """
    files = [name for name in names if not name.endswith("/")]
    roots: dict[tuple[bool, tuple[str, ...]], dict[str, tuple[str, str, str]]] = defaultdict(dict)
    for name in files:
        *folders, label, file = ("", "", *name.split("/"))
        parts = *filter(None, folders), label, file
        if not is_image(file) or not all(map(_is_name, parts)):
            continue
        split = _SPLITS.get(folders[-1].casefold(), "")
        root = tuple(folders[:-1] if split else folders)
        roots[bool(split), root][name] = (split or TRAIN, label, file)
    divided = any(key[0] for key in roots)
    candidates = [
        (root, places)
        for (own, root), places in roots.items()
        if own == divided and (own or _has_classes(places))
    ]
    if not candidates:
        raise _nothing(what, files)
    # Some archives hold all images again in a folder of their own: the outer ones are taken.
    root, places = min(candidates, key=lambda each: len(each[0]))
    splits = {split for split, _, _ in places.values()}
    rename = {TEST: VALIDATION} if TEST in splits and VALIDATION not in splits else {}
    names_of = _class_names({label for _, label, _ in places.values()}, expressions)
    found = {
        name: (rename.get(split, split), names_of[label], file)
        for name, (split, label, file) in places.items()
        if label in names_of
    }
    layout = Layout(
        found,
        tuple(sorted(set(names_of.values()))),
        _folders(root, found) if divided else {},
        len(files) - len(found),
    )
    _check(layout, what)
    return layout


def _is_name(part: str) -> bool:
    return part.isprintable() and _SAFE.fullmatch(part) is not None


def is_image(name: str) -> bool:
    """Whether a file of this ``name`` claims to be an image."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _has_classes(places: Mapping[str, tuple[str, str, str]]) -> bool:
    labels = {label for _, label, _ in places.values()}
    return len(labels) > 1 and not labels & set(_SPLITS)


def _folders(root: Sequence[str], places: Mapping[str, tuple[str, str, str]]) -> dict[str, str]:
    """Which split the images of each folder are."""
    found = {name.split("/")[-3]: split for name, (split, _, _) in places.items()}
    return {"/".join((*filter(None, root), name)): split for name, split in sorted(found.items())}


def _class_names(labels: set[str], expressions: bool) -> dict[str, str]:
    """What each folder's class is called; folders that are none are missing."""
    small = {label: label.strip().casefold() for label in labels}
    if expressions and set(small.values()) == set(map(str, range(len(_NUMBERS)))):
        return {label: _NUMBERS[int(number)] for label, number in small.items()}
    meant = {label: _MEANINGS.get(word, "") for label, word in small.items()}
    if expressions and set(meant.values()) >= set(EXPRESSIONS):
        return {label: name for label, name in meant.items() if name}
    first: dict[str, str] = {}
    for label in sorted(labels):
        first.setdefault(small[label], label)
    return {label: first[small[label]] for label in labels}


def _check(layout: Layout, what: str) -> None:
    count = len(layout.classes)
    if not 2 <= count <= MOST_CLASSES:
        raise DatasetError(
            f"{what}: expected images of 2 to {MOST_CLASSES} classes, a folder each, found {count} "
            f"({', '.join(layout.classes[:3])}{', …' * (count > 3)}); add images of another class, "
            "or name the folder that holds the classes"
        )
    found = Counter((split, label) for split, label, _ in layout.places.values())
    splits = dict.fromkeys(split for split, _, _ in layout.places.values())
    if TRAIN not in splits:
        raise DatasetError(
            f"{what}: expected images to train with, found only those of {', '.join(splits)}; run "
            "'make data ARCHIVE=…' first, or add a folder train/"
        )
    lacking = [
        f"{split}/{label}"
        for split in splits
        for label in layout.classes
        if not found[split, label]
    ]
    if lacking:
        raise DatasetError(
            f"{what}: expected images of every class in every split, found none in "
            f"{', '.join(lacking[:3])}{', …' * (len(lacking) > 3)}; add some, or take it away"
        )


def _nothing(what: str, files: Sequence[str]) -> DatasetError:
    folders = dict.fromkeys(name.rpartition("/")[0] or "." for name in files)
    shown = ", ".join(list(folders)[:3]) + ", …" * (len(folders) > 3)
    found = f"{len(files):,} files in {shown}" if files else "no files"
    return DatasetError(
        f"{what}: expected images (JPEG, PNG and such) in train/<class>/ and validation/<class>/, "
        f"or in a folder for each class, found {found}; see docs/training.md"
    )
