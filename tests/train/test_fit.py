"""Training learns, goes on after a kill as if nothing had been, and says what it does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.train.killed import run_killed
from train.checkpoint import read_state
from train.data import Split
from train.errors import CheckpointError
from train.examples import Examples, plain_examples
from train.fit import FLOAT32, Training, batches, compiled, fit, steps_per_epoch
from train.model import LOGITS, build_for_training, predict_logits
from train.recipe import Augmentation, Cosine, Recipe


@pytest.fixture(scope="module")
def examples(train_split: Split, validation_split: Split) -> tuple[Examples, Examples]:
    return plain_examples(train_split), plain_examples(validation_split)


def training(recipe: Recipe, path: Path, seed: int = 7) -> Training:
    return Training(recipe, seed, FLOAT32, path / "state.npz")


def test_it_learns(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(tiny, epochs=12, learning_rate=1e-2)
    _, history = fit(training(recipe, tmp_path), *examples, quiet=True)
    assert len(history["loss"]) == 12
    assert history["accuracy"][-1] > 0.6


RECIPE = Recipe(
    "small", sets=((4,), (6,), (8,)), dense=(8,), epochs=4, batch_size=32,
    dropout=0.2, weight_decay=0.01, label_smoothing=0.1, learning_rate=3e-3,
    mixup=0.5, augmentation=Augmentation(jpeg=0.3), schedule=Cosine(1), average=0.9, head_rate=4,
)  # fmt: skip
KILLED = """
import sys
from pathlib import Path
from tests.conftest import synthetic_split
from tests.train.killed import kill_at
from tests.train.test_fit import RECIPE, training
from train.examples import plain_examples
from train.fit import fit

splits = synthetic_split("train", 24, 0), synthetic_split("validation", 5, 1)
kill_at("os.rename", 2, sys.argv[1])  # two states are written, the third is not in its place
fit(training(RECIPE, Path(sys.argv[1])), *map(plain_examples, splits), quiet=True)
"""


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(examples, tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    run_killed(KILLED, str(killed))
    state = read_state(killed / "state.npz")
    assert state is not None
    assert len(state.history["loss"]) == 2
    expected, history = fit(training(RECIPE, whole), *examples, quiet=True)
    found, resumed = fit(training(RECIPE, killed), *examples, quiet=True)
    assert {**resumed, "seconds": 0} == {**history, "seconds": 0}
    for one, other in zip(expected.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_finished_run_is_not_trained_again(tiny, examples, tmp_path, average: float) -> None:
    recipe = dataclasses.replace(tiny, average=average)
    once, history = fit(training(recipe, tmp_path), *examples, quiet=True)
    again, same = fit(training(recipe, tmp_path), *examples, quiet=True)
    assert same == history
    for expected, found in zip(once.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_logits_learn_faster(tiny, train_split: Split) -> None:
    def steps(head_rate: float) -> tuple[np.ndarray, np.ndarray]:
        """How far the first step of Adam, the same for every weight, moves kernels."""
        keras.utils.set_random_seed(0)
        recipe = dataclasses.replace(tiny, head_rate=head_rate)
        network = compiled(build_for_training(recipe, FLOAT32), recipe, 1)
        dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        layers = network.get_layer(LOGITS), dense[0]
        before = [layer.kernel.numpy() for layer in layers]
        shown = plain_examples(train_split)
        network.train_on_batch(shown.images[::8].astype(np.float32), shown.targets[::8])
        moved = zip(before, layers, strict=True)
        return tuple(np.abs(layer.kernel.numpy() - was).max() for was, layer in moved)

    (head, other), (faster, same) = steps(1.0), steps(4.0)
    assert faster == pytest.approx(4 * head, rel=0.05)
    assert same == pytest.approx(other, rel=0.05)


def test_averaged_weights_are_those_of_the_last_steps(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(tiny, epochs=1, learning_rate=1e-2)
    plain, _ = fit(training(recipe, tmp_path / "plain"), *examples, quiet=True)
    averaged, history = fit(
        training(dataclasses.replace(recipe, average=0.5), tmp_path / "averaged"),
        *examples,
        quiet=True,
    )
    apart = [
        float(np.abs(one - other).max())
        for one, other in zip(plain.trainable_weights, averaged.trainable_weights, strict=True)
    ]
    assert 0 < max(apart) < 0.05, "they trail by two steps or so"
    images, targets = examples[1].images, examples[1].targets
    right = predict_logits(averaged, images).argmax(axis=1) == targets.argmax(axis=1)
    # Keras measures with them; what batch normalisation has seen is the same.
    assert history["val_accuracy"][-1] == pytest.approx(right.mean(), abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"junk"])
def test_a_damaged_checkpoint_is_named(tiny, examples, tmp_path, content) -> None:
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="delete the file"):
        fit(training(tiny, tmp_path), *examples, quiet=True)


@pytest.mark.parametrize("about", ["{}", "[]", "no JSON", '{"precision": "float32"}'])
def test_a_state_of_another_shape_is_named_in_one_line(about: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", about=np.array(about))
    with pytest.raises(CheckpointError, match=r"a\.npz: .* found damage") as caught:
        read_state(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_each_epoch_shows_every_image_once_in_a_new_order(tiny, train_split: Split) -> None:
    rows = []
    shown = plain_examples(train_split)
    steps = steps_per_epoch(shown, tiny)
    for images, targets in batches(shown, training(tiny, Path())).take(2 * steps):
        rows.append((images.numpy(), targets.numpy().argmax(axis=1)))
    for part in (rows[:steps], rows[steps:]):
        seen = np.concatenate([images for images, _ in part]).reshape(-1, 48 * 48)
        expected = train_split.images.reshape(-1, 48 * 48)
        assert {row.tobytes() for row in seen} == {row.tobytes() for row in expected}
    assert not np.array_equal(rows[0][0], rows[steps][0])


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_a_batch_depends_on_seed_and_epoch_alone(tiny, train_split: Split, augmentation) -> None:
    recipe = dataclasses.replace(tiny, augmentation=augmentation)
    shown = plain_examples(train_split)
    skipped = 2 * steps_per_epoch(shown, recipe)

    def first(seed: int, epoch: int, skip: int = 0) -> np.ndarray:
        one = training(recipe, Path(), seed)
        return next(iter(batches(shown, one, epoch).skip(skip)))[0].numpy()

    np.testing.assert_array_equal(first(1, 0, skipped), first(1, 2))
    assert not np.array_equal(first(2, 2), first(1, 2))


def test_the_learning_rate_rises_and_falls_to_nothing(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(
        tiny, epochs=5, learning_rate=0.02, weight_decay=0.01, schedule=Cosine(warmup_epochs=2)
    )
    steps = steps_per_epoch(examples[0], recipe)
    rate = compiled(build_for_training(recipe, FLOAT32), recipe, steps).optimizer._learning_rate
    values = [float(rate(step)) for step in range(5 * steps + 1)]
    assert values[0] == 0
    assert values[2 * steps] == pytest.approx(0.02, rel=1e-3)
    assert values[-1] == pytest.approx(0, abs=1e-6)
    assert np.argmax(values) == 2 * steps
