"""The picture of the most confident mistakes."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data import Split
from train.mistakes import MOST, mistakes_figure, worst, write_mistakes


def said(split: Split, wrong: dict[int, float]) -> np.ndarray:
    """Probabilities under which these images are wrong, and all others right."""
    classes = len(split.classes)
    found = np.eye(classes)[split.labels] * 0.99
    for place, confidence in wrong.items():
        found[place] = 0
        found[place, (split.labels[place] + 1) % classes] = confidence
    return found


def titles(split: Split, probabilities: np.ndarray) -> list[str]:
    axes = mistakes_figure(split, probabilities).axes
    return [each.get_title() for each in axes if each.get_title()]


def test_the_surest_come_first_with_the_names_of_their_classes(validation_split: Split) -> None:
    found = said(validation_split, {0: 0.5, 7: 0.931, 30: 0.7})
    assert worst(validation_split, found).tolist() == [7, 30, 0]
    assert titles(validation_split, found) == [
        "disgust →\nfear 0.93",
        "surprise →\nangry 0.70",
        "angry →\ndisgust 0.50",
    ]


def test_there_are_forty_at_most(train_split: Split) -> None:
    found = said(train_split, {place: 0.5 + place / 1000 for place in range(60)})
    assert worst(train_split, found).tolist() == list(range(59, 59 - MOST, -1))


@pytest.mark.parametrize("names", [("$x", "a_b$"), ("怒", "喜"), ("a" * 60, "[b]")])
def test_classes_are_called_what_they_are_called(
    validation_split: Split, names: tuple[str, str], tmp_path: Path
) -> None:
    classes = (*names, *validation_split.classes[2:])
    split = dataclasses.replace(validation_split, classes=classes)
    write_mistakes(tmp_path / "m", split, said(split, {0: 0.9}))
    assert cv2.imread(str(tmp_path / "m_mistakes.png")).std() > 5
    assert len(titles(split, said(split, {0: 0.9}))[0]) < 45


def test_a_model_without_a_mistake_has_a_picture_too(
    validation_split: Split, tmp_path: Path
) -> None:
    write_mistakes(tmp_path / "m", validation_split, said(validation_split, {}))
    assert [path.name for path in tmp_path.iterdir()] == ["m_mistakes.png"]


@pytest.mark.parametrize("path", ["models/own/own_mistakes.png", "mine_mistakes.png"])
def test_git_ignores_it(path: str, repository: Path) -> None:
    assert (
        subprocess.run(["git", "check-ignore", "-q", path], cwd=repository, check=False).returncode
        == 0
    )
