"""What is compared is alive at the same time, and no more than a small device can take."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.groups import groups
from benchmarks.subjects import TFLITE, Subject, subjects
from train.recipes import COMPARED, model_path

CHOSEN = subjects([model_path(name) for name in COMPARED])
TFLITE_MB, H5_MB = 140, 800


@pytest.mark.parametrize("models", [CHOSEN, subjects([Path(f"{n}.h5") for n in range(8)])])
def test_a_group_fits_into_two_gigabytes(models: list[Subject]) -> None:
    for group in groups(models, (1, 2, 4)):
        megabytes = (TFLITE_MB if m.subject.kind == TFLITE else H5_MB for m in group.members)
        assert sum(megabytes) <= 2000, group.name


def test_every_subject_is_measured_once_at_each_number_of_threads() -> None:
    found = groups(CHOSEN, (1, 2, 4))
    counted = Counter((m.line, m.threads) for group in found for m in group.members)
    assert set(counted.values()) == {1}
    whole = {(m.line, m.threads) for group in found for m in group.members if m.whole}
    assert whole == {
        (subject.name, count)
        for subject in CHOSEN
        for count in ((1, 2, 4) if subject.kind == TFLITE else (1,))
    }


def test_the_yardstick_is_in_every_group_and_the_models_are_in_one() -> None:
    first, *others = groups(CHOSEN, (1, 2))
    assert first.yardstick == "seed float32"
    assert {m.subject.h5 for m in first.members} == {model_path(name) for name in COMPARED}
    for group in others:
        along = group.members[0]
        assert (along.line, along.threads, along.whole) == (group.yardstick, 1, False)
        assert along.subject.name == "seed float32"
        assert all(m.whole for m in group.members[1:])


def test_without_the_seed_nothing_goes_along() -> None:
    for group in groups(subjects([Path("m.h5")]), (1, 2)):
        assert group.yardstick == ""
        assert all(m.whole for m in group.members)
