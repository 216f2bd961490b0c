"""A recipe can start from another one's weights, and learn from another one's model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge.contract import ModelContract
from tests.train.detectors import WholeImage
from train.artifact import load_model, save_model
from train.data import load_split
from train.errors import ArtifactError, RecipeError
from train.examples import plain_examples, training_examples
from train.fit import FLOAT32, Training, batches, steps_per_epoch
from train.layout import EXPRESSIONS
from train.model import build
from train.recipe import Augmentation, Recipe, Residual
from train.recipes import DEPLOYED, DLIB, RECIPES, TEACHERS, model_path
from train.training import train
from train.transfer import load_transfer
from train.views import show_views, view


def keep_model(recipe: Recipe, seed: int, **provenance: Any) -> Path:
    """Write an untrained network of ``recipe`` where its model belongs."""
    keras.utils.set_random_seed(seed)
    path = model_path(recipe.name)
    provenance |= {"recipe": recipe.to_dict(), "seed": seed}
    contract = ModelContract(EXPRESSIONS, 48, 48, 1, provenance=provenance)
    save_model(build(recipe), contract, path)
    return path


@pytest.fixture
def first(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return keep_model(tiny, 3)


def test_it_goes_on_from_there(tiny, first: Path, images_folder: Path) -> None:
    still = dataclasses.replace(tiny, name="still", warm_start="tiny", learning_rate=0.0, epochs=1)
    report = train(still, 4, images_folder, Path("m.h5"), WholeImage(), quiet=True)
    (begun, contract), (ended, further) = load_model(first), load_model(Path("m.h5"))
    for before, after in zip(begun.trainable_weights, ended.trainable_weights, strict=True):
        np.testing.assert_array_equal(before, after)
    expected = {"recipe": "tiny", "seed": 3, "graph_sha256": contract.graph_sha256}
    assert further.provenance["warm_start"] == expected
    assert report["warm_start"] == expected


def test_a_missing_model_is_named_before_images_are_read(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = dataclasses.replace(tiny, warm_start="fer2013")
    with pytest.raises(ArtifactError, match=r"recipe tiny begins .* RECIPE=fer2013.* no such"):
        train(recipe, 0, tmp_path / "none", tmp_path / "m.h5", WholeImage(), quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_of_another_network_it_takes_the_first_layers(
    tiny, first: Path, images_folder: Path
) -> None:
    wider = dataclasses.replace(
        tiny, name="wider", warm_start="tiny", dense=(9, 8, 8), learning_rate=0.0, epochs=1
    )
    train(wider, 4, images_folder, Path("m.h5"), WholeImage(), quiet=True)
    convolutions = 3 * sum(map(len, tiny.sets))  # kernel, scale and offset of each
    ended = load_model(Path("m.h5"))[0].trainable_weights
    begun = load_model(first)[0].trainable_weights
    for before, after in zip(begun[:convolutions], ended, strict=False):
        np.testing.assert_array_equal(before, after)
    assert ended[convolutions].shape != begun[convolutions].shape


def test_a_network_without_a_layer_in_common_is_refused(tiny, first: Path) -> None:
    other = dataclasses.replace(tiny, name="other", warm_start="tiny", sets=((5,), (6,)))
    with pytest.raises(ArtifactError, match=f"{first}: expected a network whose first layer"):
        load_transfer(other)


def test_the_deployed_model_begins_with_one_that_has_seen_no_votes() -> None:
    recipe = RECIPES[DEPLOYED]
    while recipe.warm_start:
        recipe = RECIPES[recipe.warm_start]
        assert not recipe.votes


@pytest.fixture
def taught(tiny, first: Path) -> Recipe:
    """A recipe with two teachers, the second one of another kind."""
    residual = Residual(((6, 1), (8, 2)), stem=4, side=56, dlib=True)
    keep_model(dataclasses.replace(tiny, name="other", sets=(), dense=(), residual=residual), 5)
    teachers = ("tiny", 0.5), ("other", 0.25)
    changes = Augmentation(erase=0)
    return dataclasses.replace(tiny, name="pupil", augmentation=changes, teachers=teachers, views=3)


def answers(pixels: np.ndarray) -> np.ndarray:
    """What the two say together, by their shares."""
    (one, _), (two, _) = (load_model(model_path(name)) for name in ("tiny", "other"))
    return 0.5 * one.predict(pixels, verbose=0) + 0.25 * two.predict(pixels, verbose=0)


def alike(images: np.ndarray) -> np.ndarray:
    """A row for each image; the products of two are their correlation, without their noise."""
    rows = images.reshape(len(images), 12, 4, 12, 4).mean(axis=(2, 4)).reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_views_are_shown_with_what_was_said_of_them_and_their_mirror_images(
    taught: Recipe, images_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    plain = training_examples(load_split(images_folder, "train"), taught)
    transfer = load_transfer(taught)
    (_, its), (_, other_s) = (load_model(model_path(name)) for name in ("tiny", "other"))
    assert transfer.origins == {
        "teacher tiny": {"recipe": "tiny", "seed": 3, "graph_sha256": its.graph_sha256},
        "teacher other": {"recipe": "other", "seed": 5, "graph_sha256": other_s.graph_sha256},
    }
    teachers = transfer.teachers(FLOAT32, EXPRESSIONS)
    shown = show_views(plain, taught, teachers)
    count = len(plain.images)
    assert shown.images.shape == (3 * count, 48, 48, 1)
    assert len({part.tobytes() for part in np.split(shown.images, 3)}) == 3
    both = (answers(shown.images) + answers(shown.images[:, :, ::-1])) / 2
    expected = 0.25 * np.tile(plain.targets, (3, 1)) + both
    np.testing.assert_allclose(shown.targets, expected, atol=1e-4)
    assert caplog.messages.count("asking other about view 3 of 3") == 1

    known, mirrored = alike(shown.images), alike(shown.images[:, :, ::-1])
    seen = []
    run = Training(taught, 0, FLOAT32, Path())
    for pixels, targets in batches(shown, run).take(3 * steps_per_epoch(shown, taught)):
        for image, target in zip(alike(pixels.numpy()), targets.numpy(), strict=True):
            said = np.flatnonzero(np.abs(expected - target).max(axis=1) < 1e-4)
            correlations = np.maximum(known[said] @ image, mirrored[said] @ image)
            assert correlations.max() > 0.5, "it is such a view, changed slightly"
            seen.append(said[correlations.argmax()] // count)
    assert set(seen) == {0, 1, 2}

    caplog.clear()
    again = show_views(plain, taught, teachers)
    assert not caplog.messages, "what was asked is kept"
    np.testing.assert_array_equal(again.targets, shown.targets)


def test_what_misleads_teachers_is_added_when_a_view_is_shown(train_split) -> None:
    still = {"rotation": 0, "scale": 0, "shift": 0, "contrast": 0, "brightness": 0}
    clear = view(train_split.images, 0, Augmentation(**still, blur=1, noise=9, jpeg=1, erase=1))
    for seen, image in zip(clear, train_split.images, strict=True):
        assert (seen == image).all() or (seen == image[:, ::-1]).all()
    moved = Augmentation(blur=0, noise=0, jpeg=0, erase=0)
    assert moved.asked() == moved
    shown = Augmentation(blur=1, rotation=1, brightness=20).shown()
    assert (shown.blur, shown.rotation, shown.brightness) == (1, 1, 8)


def test_teachers_are_asked_about_their_own_classes_alone(taught: Recipe) -> None:
    transfer = load_transfer(taught)
    with pytest.raises(RecipeError, match="about which tiny teaches, found yes, no; train with"):
        transfer.teachers(FLOAT32, ("yes", "no"))


def test_a_recipe_has_the_size_of_the_models_that_it_builds_on(taught: Recipe) -> None:
    for other in (
        dataclasses.replace(taught, side=64),
        dataclasses.replace(taught, side=64, teachers=(), warm_start="tiny"),
    ):
        with pytest.raises(RecipeError, match=r"size: expected that of .*tiny.*, 48, found 64;"):
            load_transfer(other)


def test_shares_of_the_classes_are_those_of_an_epoch(train_split) -> None:
    often = dataclasses.replace(plain_examples(train_split), rows=np.array([0, 0, 0, 30], np.int32))
    labels = train_split.labels[[0, 30]]
    expected = 0.75 * np.eye(7)[labels[0]] + 0.25 * np.eye(7)[labels[1]]
    np.testing.assert_allclose(often.shares(), expected)
    images, targets = np.tile(often.images, (2, 1, 1, 1)), np.tile(often.targets, (2, 1))
    twice = dataclasses.replace(often, images=images, targets=targets, views=2)
    np.testing.assert_allclose(twice.shares(), expected)


def test_a_missing_teacher_is_named(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = dataclasses.replace(tiny, teachers=(("base", 0.5),), views=1)
    with pytest.raises(ArtifactError, match=r"recipe tiny learns .* RECIPE=base.* no such"):
        load_transfer(recipe)


def test_every_recipe_names_others_that_are_there() -> None:
    every = RECIPES | TEACHERS
    for recipe in every.values():
        named = {recipe.warm_start, *(name for name, _ in recipe.teachers)}
        assert named <= {"", DLIB, *every} - {recipe.name}
        assert all(share > 0 for _, share in recipe.teachers)
        assert sum(share for _, share in recipe.teachers) <= 1
