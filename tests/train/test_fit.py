"""Training learns, goes on after a kill as if nothing had been, and says what it does."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from train.checkpoint import Checkpoint, read_state
from train.data import Split
from train.errors import CheckpointError
from train.examples import Examples, plain_examples
from train.fit import Run, batches, compiled, fit, fit_epochs, steps_per_epoch
from train.model import build_for_training
from train.recipes import Augmentation, Cosine, Plateau, Recipe


@pytest.fixture(scope="module")
def examples(train_split: Split, validation_split: Split) -> tuple[Examples, Examples]:
    return plain_examples(train_split), plain_examples(validation_split)


def run(recipe: Recipe, path: Path, seed: int = 7) -> Run:
    return Run(recipe, seed, precision="float32", checkpoint=path / "state.npz")


def test_it_learns(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(tiny, epochs=12, learning_rate=1e-2)
    _, history = fit(run(recipe, tmp_path), *examples, quiet=True)
    assert len(history["loss"]) == 12
    assert history["accuracy"][-1] > 0.6


def test_a_killed_run_ends_with_the_same_weights(tiny, examples, tmp_path) -> None:
    """Patience 0 makes the plateau's memory matter: forgetting it changes the learning rate."""
    recipe = dataclasses.replace(tiny, epochs=4, schedule=Plateau(patience=0), learning_rate=3e-3)
    whole, history = fit(run(recipe, tmp_path / "a"), *examples, quiet=True)

    first = dataclasses.replace(recipe, epochs=2)
    fit(run(first, tmp_path / "b"), *examples, quiet=True)
    resumed, resumed_history = fit(run(recipe, tmp_path / "b"), *examples, quiet=True)
    assert resumed_history.keys() == history.keys()
    for name, values in history.items():
        if name == "seconds":
            continue
        np.testing.assert_allclose(resumed_history[name], values, rtol=1e-5)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_finished_run_is_not_trained_again(tiny, examples, tmp_path) -> None:
    once, _ = fit(run(tiny, tmp_path), *examples, quiet=True)
    again, history = fit(run(tiny, tmp_path), *examples, quiet=True)
    assert len(history["loss"]) == tiny.epochs
    for expected, found in zip(once.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_run_leaves_its_precision_to_the_next_one(tiny, examples, tmp_path) -> None:
    assert read_state(tmp_path / "state.npz") is None
    fit(run(tiny, tmp_path), *examples, quiet=True)
    state = read_state(tmp_path / "state.npz")
    assert state is not None
    assert state.precision == "float32"


@pytest.mark.parametrize(
    "state", ['{"history": {}}', "[]", '{"history": {}, "precision": "float32", "plateau": {}}']
)
def test_a_state_of_another_shape_is_named(tiny, examples, tmp_path, state) -> None:
    np.savez(tmp_path / "state.npz", state=np.array(state), v0=np.zeros(3))
    with pytest.raises(CheckpointError, match="delete the file"):
        fit(run(tiny, tmp_path), *examples, quiet=True)


def test_a_state_without_the_memory_of_its_plateau_is_named(tiny, examples, tmp_path) -> None:
    path = tmp_path / "state.npz"
    fit(run(tiny, tmp_path), *examples, quiet=True)
    with np.load(path) as arrays:
        kept = dict(arrays)
    state = json.loads(str(kept["state"]))
    del state["plateau"]["wait"]
    np.savez(path, **kept | {"state": np.array(json.dumps(state))})
    with pytest.raises(CheckpointError, match="plateau's memory of best, cooldown_counter"):
        fit(run(tiny, tmp_path), *examples, quiet=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"junk"])
def test_a_damaged_checkpoint_is_named(tiny, examples, tmp_path, content) -> None:
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="delete the file"):
        fit(run(tiny, tmp_path), *examples, quiet=True)


def test_each_epoch_shows_every_image_once_in_a_new_order(tiny, train_split: Split) -> None:
    rows = []
    shown = plain_examples(train_split)
    steps = steps_per_epoch(shown, tiny)
    for images, targets in batches(shown, run(tiny, Path())).take(2 * steps):
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
        return next(iter(batches(shown, run(recipe, Path(), seed), epoch).skip(skip)))[0].numpy()

    np.testing.assert_array_equal(first(1, 0, skipped), first(1, 2))
    assert not np.array_equal(first(2, 2), first(1, 2))


def test_the_learning_rate_rises_and_falls_to_nothing(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(
        tiny, epochs=5, learning_rate=0.02, weight_decay=0.01, schedule=Cosine(warmup_epochs=2)
    )
    steps = steps_per_epoch(examples[0], recipe)
    rate = compiled(build_for_training(recipe, "float32"), recipe, steps).optimizer._learning_rate
    values = [float(rate(step)) for step in range(5 * steps + 1)]
    assert values[0] == 0
    assert values[2 * steps] == pytest.approx(0.02, rel=1e-3)
    assert values[-1] == pytest.approx(0, abs=1e-6)
    assert np.argmax(values) == 2 * steps


def test_a_run_with_everything_goes_on_as_if_nothing_had_been(tiny, examples, tmp_path) -> None:
    recipe = dataclasses.replace(
        tiny, epochs=4, dropout=0.2, weight_decay=0.01, label_smoothing=0.1, learning_rate=3e-3,
        augmentation=Augmentation(), schedule=Cosine(1),
    )  # fmt: skip
    whole, _ = fit(run(recipe, tmp_path / "a"), *examples, quiet=True)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(run(recipe, tmp_path / "b"), examples)
    resumed, _ = fit(run(recipe, tmp_path / "b"), *examples, quiet=True)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def _interrupted(begun: Run, examples: tuple[Examples, Examples]) -> None:
    """Train two epochs of ``begun`` with the state kept as ``fit`` keeps it, then stop."""

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    keras.utils.set_random_seed(begun.seed)
    steps = steps_per_epoch(examples[0], begun.recipe)
    network = compiled(build_for_training(begun.recipe, begun.precision), begun.recipe, steps)
    checkpoint = Checkpoint(begun.checkpoint, network, None, begun.precision)
    callbacks = [checkpoint, Interrupt()]
    fit_epochs(network, begun, *examples, 0, begun.recipe.epochs, callbacks)
