"""Data sets as people have them, and what is said of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.errors import DatasetError
from train.layout import EXPRESSIONS, find_layout

WORDS = ("anger", "Disgust", "FEAR", "happiness", "neutral", "sadness", "surprised")


def names(folders: Iterable[str], classes: Iterable[str], each: int = 2) -> list[str]:
    return [f"{folder}{c}/{i}.jpg" for folder in folders for c in classes for i in range(each)]


def counted(found: Iterable[str]) -> dict[str, int]:
    layout = find_layout(found, "here")
    return dict(Counter(split for split, _, _ in layout.places.values()))


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train/", "validation/"), {"train": 4, "validation": 4}),
        (("Train/", "VAL/"), {"train": 4, "validation": 4}),
        (("data/faces/train/", "data/faces/valid/"), {"train": 4, "validation": 4}),
        (("training/", "testing/"), {"train": 4, "validation": 4}),
        (
            ("fer/Training/", "fer/PublicTest/", "fer/PrivateTest/"),
            {"train": 4, "validation": 4, "test": 4},
        ),
        (("",), {"train": 4}),
        (("CK+48/",), {"train": 4}),
        (("train/",), {"train": 4}),
        (("images/train/", "images/val/", "images/images/train/"), {"train": 4, "validation": 4}),
    ],
)
def test_folders_by_any_name(folders: tuple[str, ...], splits: dict[str, int]) -> None:
    assert counted(names(folders, ("cat", "dog"))) == splits


def test_classes_are_folders_in_the_order_of_the_alphabet() -> None:
    layout = find_layout(names(("train/", "val/"), ("thumbs up", "Fist", "open")), "here")
    assert layout.classes == ("Fist", "open", "thumbs up")
    assert layout.places["val/open/1.jpg"] == ("validation", "open", "1.jpg")
    assert str(layout) == "train → train, val → validation"
    assert layout.divided


def test_capitals_do_not_part_a_class() -> None:
    found = [*names(("train/",), ("Cat", "dog")), *names(("val/",), ("cat", "DOG"))]
    assert find_layout(found, "here").classes == ("Cat", "DOG")


def test_words_and_numbers_mean_the_expressions() -> None:
    for classes in (WORDS, "0123456"):
        found = names(("train/", "test/"), classes)
        layout = find_layout([*found, "train/contempt/1.jpg"][: len(found) + (classes is WORDS)],
                             "here", expressions=True)  # fmt: skip
        assert layout.classes == EXPRESSIONS
        assert layout.others == (classes is WORDS)
    layout = find_layout(names(("train/", "test/"), "0123456"), "here", expressions=True)
    assert layout.places["train/4/0.jpg"][1] == "sad"
    assert find_layout(names(("train/", "test/"), "0123456"), "here").classes == tuple("0123456")


def test_without_all_seven_they_are_classes_like_others() -> None:
    found = names(("CK+48/",), ("anger", "contempt", "happy"))
    assert find_layout(found, "here", expressions=True).classes == ("anger", "contempt", "happy")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "found no files"),
        (["a.jpg", "b/c.txt"], r"found 2 files in \., b; see"),
        (names(("",), ("cat",)), r"found 2 files in cat"),
        (names(("train/", "val/"), ("cat",)), r"2 to 100 classes, a folder each, found 1 \(cat\)"),
        (names(("train/", "val/"), map(str, range(101))), "found 101"),
        (names(("val/",), ("cat", "dog")), "images to train with, found only those of validation"),
        (
            [*names(("train/",), ("cat", "dog")), "val/cat/1.jpg"],
            "every class in every split, found none in validation/dog",
        ),
    ],
)
def test_what_is_no_data_set_is_said(found: list[str], said: str) -> None:
    with pytest.raises(DatasetError, match=said) as caught:
        find_layout(found, "here")
    assert str(caught.value).startswith("here: expected")
    assert "\n" not in str(caught.value)


@given(st.lists(st.text("ab./\\:\n train", max_size=12)))
def test_no_place_leads_elsewhere(found: list[str]) -> None:
    given_ = [f"{name}.png" for name in found] + names(("",), ("cat", "dog"))
    try:
        layout = find_layout(given_, "here")
    except DatasetError:
        return
    for split, label, file in layout.places.values():
        assert split in ("train", "validation", "test")
        for part in (label, file):
            assert part.isprintable()
            assert not set(part) & set("/\\:")
            assert not part.startswith(".")
