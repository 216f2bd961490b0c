"""A recipe can begin with another one's weights, and learn from another one's model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.train.detectors import WholeImage
from train.artifact import load_model
from train.data import load_split
from train.errors import ArtifactError
from train.examples import training_examples
from train.fit import Run, batches
from train.lineage import find_lineage
from train.precision import FLOAT32
from train.recipes import DEPLOYED, RECIPES, Augmentation, model_path
from train.session import train


@pytest.fixture
def first(tiny, images_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = model_path(tiny.name)
    return train(tiny, 3, images_folder, path, WholeImage(), quiet=True).path


def test_it_goes_on_from_there(tiny, first: Path, images_folder: Path) -> None:
    still = dataclasses.replace(tiny, name="still", start="tiny", learning_rate=0.0, epochs=1)
    outcome = train(still, 4, images_folder, Path("m.h5"), WholeImage(), quiet=True)
    (begun, contract), (ended, further) = load_model(first), load_model(outcome.path)
    for before, after in zip(begun.trainable_weights, ended.trainable_weights, strict=True):
        np.testing.assert_array_equal(before, after)
    expected = {"recipe": "tiny", "seed": 3, "graph_sha256": contract.graph_sha256}
    assert further.provenance["start"] == expected
    assert outcome.report["start"] == expected


def test_a_missing_model_is_named_before_images_are_read(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = dataclasses.replace(tiny, start="fer2013")
    with pytest.raises(ArtifactError, match=r"recipe tiny begins .* RECIPE=fer2013.* no such"):
        train(recipe, 0, tmp_path / "none", tmp_path / "m.h5", WholeImage(), quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_refused(tiny, first: Path) -> None:
    wider = dataclasses.replace(tiny, name="wider", start="tiny", dense=(9, 8, 8))
    with pytest.raises(ArtifactError, match=f"{first}: expected the network of recipe wider"):
        find_lineage(wider)


def test_the_deployed_model_begins_with_one_that_has_seen_no_votes() -> None:
    recipe = RECIPES[DEPLOYED]
    while recipe.start:
        recipe = RECIPES[recipe.start]
        assert not recipe.votes


def test_teachers_answers_on_the_changed_images_are_part_of_the_targets(
    tiny, first: Path, images_folder: Path
) -> None:
    other = dataclasses.replace(tiny, name="other", sets=((4,), (4, 4), (4,)))
    train(other, 5, images_folder, model_path("other"), WholeImage(), quiet=True)
    teachers = ("tiny", 0.5), ("other", 0.25)
    changed = dataclasses.replace(tiny, augmentation=Augmentation(), mixup=0.5)
    pupil = dataclasses.replace(changed, name="pupil", teachers=teachers)
    split = load_split(images_folder, "train")
    lineage = find_lineage(pupil)
    run = Run(pupil, 0, FLOAT32, Path(), teachers=lineage.teachers(FLOAT32))
    pixels, targets = next(iter(batches(training_examples(split, pupil), run)))
    labels = next(iter(batches(training_examples(split, pupil), Run(changed, 0, FLOAT32, Path()))))[
        1
    ]
    (one, its), (two, other_s) = (load_model(model_path(name)) for name in ("tiny", "other"))
    expected = 0.5 * one.predict(pixels, verbose=0) + 0.25 * two.predict(pixels, verbose=0)
    np.testing.assert_allclose(targets, 0.25 * labels + expected, atol=1e-4)
    outcome = train(pupil, 4, images_folder, Path("m.h5"), WholeImage(), quiet=True)
    provenance = load_model(outcome.path)[1].provenance
    for name, seed, contract in (("tiny", 3, its), ("other", 5, other_s)):
        teacher = {"recipe": name, "seed": seed, "graph_sha256": contract.graph_sha256}
        assert provenance[f"teacher {name}"] == outcome.report[f"teacher {name}"] == teacher


def test_a_missing_teacher_is_named(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = dataclasses.replace(tiny, teachers=(("base", 0.5),))
    with pytest.raises(ArtifactError, match=r"recipe tiny learns .* RECIPE=base.* no such"):
        find_lineage(recipe)


def test_every_recipe_names_others_that_are_there() -> None:
    for recipe in RECIPES.values():
        named = {recipe.start, *(name for name, _ in recipe.teachers)}
        assert named <= {"", *RECIPES} - {recipe.name}
        assert all(share > 0 for _, share in recipe.teachers)
        assert sum(share for _, share in recipe.teachers) <= 1
