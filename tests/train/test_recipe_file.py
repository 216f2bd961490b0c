"""Recipes in TOML: what differs from a recipe of ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from train.errors import RecipeError
from train.recipe import Augmentation, Cosine, Plateau, Residual
from train.recipes import OWN, RECIPES, find_recipe


def recipe(folder: Path, text: str) -> object:
    path = folder / "mine.toml"
    path.write_text(text)
    return find_recipe(str(path))


def test_what_is_not_said_is_as_in_the_base(tmp_path: Path) -> None:
    assert recipe(tmp_path, "") == dataclasses.replace(OWN["own"], name="mine")
    text = """
base = "seed"
sets = [[8], [16, 16]]
learning_rate = 1
schedule = {warmup_epochs = 1}
augmentation = {blur = 0.5}
residual = {stages = [[8, 1]], stem = 4}
teachers = [["face", 0.5]]
views = 2
"""
    assert recipe(tmp_path, text) == dataclasses.replace(
        RECIPES["seed"],
        name="mine",
        sets=((8,), (16, 16)),
        learning_rate=1.0,
        schedule=Cosine(1),
        augmentation=Augmentation(blur=0.5),
        residual=Residual(((8, 1),), stem=4),
        teachers=(("face", 0.5),),
        views=2,
    )


def test_a_table_changes_what_it_names(tmp_path: Path) -> None:
    found = recipe(tmp_path, "[augmentation]\nrotation = 3.0\n[schedule]\npatience = 9")
    assert isinstance(found, type(RECIPES["seed"]))
    assert found.augmentation == Augmentation(rotation=3.0, jpeg=0.3)
    assert found.schedule == Plateau(patience=9)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", "found 'epoch'; did you mean epochs?"),
        (
            "[augmentation]\nblurr = 1",
            "augmentation: expected one of .*'blurr'; did you mean blur?",
        ),
        ("name = 'a'", "found 'name'"),
        ('teachers = [["face", 0.5]]', "expected views about which the teachers are asked"),
        ('epochs = "x"', "epochs: Expected `int`"),
        ("epochs = 0", "expected epochs from 1 to"),
        ("dense = 3", "dense: Expected `array`"),
        ("[epochs]\na = 1", "epochs: expected no table"),
        ("side = 16\nsets = [[1], [1], [1], [1], [1]]", "a side of 32 pixels or more"),
        ("votes = 2", "shares of votes"),
        ('base = "sed"', "found 'sed'; did you mean seed?"),
        ("base = 3", "the name of a recipe as base"),
        ("x", "expected a TOML file"),
        ("a = " + 400 * "[", "expected a TOML file"),
        ("[augmentation]\nrotation = nan", "found NaN or infinity"),
        ("sets = [[1000000000]]", "expected layers from 1 to 65536 wide"),
        ("dense = [0]", "expected layers from 1 to 65536 wide"),
        (f"epochs = 0x{'f' * 5000}", "found: a number of 20000 bits"),
        ("# x\n" * 70_000, "more than 256 kB"),
    ],
)
def test_mistakes_are_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        recipe(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"none\.toml: expected a TOML file, found: .*No such file"
    ):
        find_recipe(str(tmp_path / "none.toml"))


def test_a_base_that_leads_back(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f'base = "{tmp_path}/a.toml"')
    with pytest.raises(RecipeError, match=r"a\.toml: expected") as caught:
        find_recipe(str(tmp_path / "a.toml"))
    assert "\n" not in str(caught.value)
