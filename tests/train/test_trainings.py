"""The table of trainings comes from their reports."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from train.errors import ReportError
from train.recipes import RECIPES, find_recipe
from train.trainings import read, table

REPORT = {
    "recipe": {"name": "final", "warm_start": "fer2013", "teachers": [], "epochs": 30},
    **{"seed": 1, "minutes": 29.6, "parameters": 1_017_255, "machine": "a CPU"},
    **{"commit": "abc", "date": "2026-01-01"},
    "validation": {"top1": 0.65, "macro_f1": 0.6321},
    "validation_votes": {"top1": 0.79},
}


def test_a_row_shows_what_was_trained_and_reached() -> None:
    rows = table([REPORT]).splitlines()
    assert rows[2] == (
        "| final | fer2013 | – | 1 | 30 | 30 | 1,017,255 | 65.00% | 79.00% | 0.632 "
        "| abc | 2026-01-01 |"
    )
    assert "a CPU" in rows[-1]


def test_it_names_the_teachers_with_their_shares() -> None:
    taught = REPORT | {"recipe": REPORT["recipe"] | {"teachers": [["base", 0.4], ["old", 0.25]]}}
    assert "| final | fer2013 | base 40%, old 25% | 1 |" in table([taught])


def test_it_says_how_far_seeds_lie_apart() -> None:
    better = {"seed": 0, "validation": {"top1": 0.6573, "macro_f1": 0.64}}
    text = table(
        [REPORT | better, REPORT, REPORT | {"recipe": REPORT["recipe"] | {"name": "seed"}}]
    )
    assert "2 seeds of `final` lie 0.73 points apart on FER2013's labels and 0.00 on FER+" in text
    assert "of `seed`" not in text


def test_nobody_tagged_these_images() -> None:
    assert "| 65.00% | – |" in table([REPORT | {"validation_votes": {}}])


def test_every_recipe_and_further_seeds_have_a_row(repository: Path, tmp_path: Path) -> None:
    names = [report["recipe"]["name"] for report in read(repository)]
    assert names[: len(RECIPES)] == list(RECIPES)
    assert {name for recipe in RECIPES.values() for name, _ in recipe.teachers} <= set(names)
    for report in (repository / "models").rglob("*_report.json"):
        target = tmp_path / report.relative_to(repository)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(report, target)
    again = tmp_path / "models/seeds/final-9_report.json"
    again.parent.mkdir(exist_ok=True)
    again.write_text(json.dumps(REPORT | {"seed": 9}))
    assert read(tmp_path)[-1]["seed"] == 9


def test_all_are_trainings_of_the_recipes_of_today(repository: Path) -> None:
    for report in read(repository):
        recipe = find_recipe(report["recipe"]["name"])
        assert report["recipe"] == recipe.to_dict()
        assert {f"teacher {name}" for name, _ in recipe.teachers} <= set(report)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"recipe": {}}'])
def test_other_files_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "models/seed/seed_report.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(ReportError, match="python -m train fit"):
        read(tmp_path)
