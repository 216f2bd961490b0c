"""Training learns, goes on after a kill as if nothing had been, and says what it does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from train.checkpoint import read_state
from train.data import Split
from train.errors import CheckpointError
from train.fit import Run, batches, fit
from train.recipes import Recipe


def run(recipe: Recipe, path: Path) -> Run:
    return Run(recipe, seed=7, precision="float32", checkpoint=path / "state.npz")


def test_it_learns(tiny, train_split, validation_split, tmp_path) -> None:
    recipe = dataclasses.replace(tiny, epochs=12, learning_rate=1e-2)
    _, history = fit(run(recipe, tmp_path), train_split, validation_split, quiet=True)
    assert len(history["loss"]) == 12
    assert history["accuracy"][-1] > 0.6


def test_a_killed_run_ends_with_the_same_weights(
    tiny, train_split, validation_split, tmp_path
) -> None:
    """Patience 0 makes the plateau's memory matter: forgetting it changes the learning rate."""
    recipe = dataclasses.replace(tiny, epochs=4, plateau_patience=0, learning_rate=3e-3)
    whole, history = fit(run(recipe, tmp_path / "a"), train_split, validation_split, quiet=True)

    first = dataclasses.replace(recipe, epochs=2)
    fit(run(first, tmp_path / "b"), train_split, validation_split, quiet=True)
    resumed, resumed_history = fit(
        run(recipe, tmp_path / "b"), train_split, validation_split, quiet=True
    )
    assert resumed_history.keys() == history.keys()
    for name, values in history.items():
        if name == "seconds":
            continue
        np.testing.assert_allclose(resumed_history[name], values, rtol=1e-5)
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_a_finished_run_is_not_trained_again(tiny, train_split, validation_split, tmp_path) -> None:
    once, _ = fit(run(tiny, tmp_path), train_split, validation_split, quiet=True)
    again, history = fit(run(tiny, tmp_path), train_split, validation_split, quiet=True)
    assert len(history["loss"]) == tiny.epochs
    for expected, found in zip(once.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_run_goes_on_in_the_precision_it_began_with(
    tiny, train_split, validation_split, tmp_path
) -> None:
    assert read_state(tmp_path / "state.npz") is None
    fit(run(tiny, tmp_path), train_split, validation_split, quiet=True)
    state = read_state(tmp_path / "state.npz")
    assert state is not None
    assert state.precision == "float32"


@pytest.mark.parametrize(
    "state", ['{"history": {}}', "[]", '{"history": {}, "precision": "float32", "plateau": {}}']
)
def test_a_state_of_another_shape_is_named(
    tiny, train_split, validation_split, tmp_path, state
) -> None:
    np.savez(tmp_path / "state.npz", state=np.array(state), v0=np.zeros(3))
    with pytest.raises(CheckpointError, match="delete the file"):
        fit(run(tiny, tmp_path), train_split, validation_split, quiet=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"junk"])
def test_a_damaged_checkpoint_is_named(
    tiny, train_split, validation_split, tmp_path, content
) -> None:
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="delete the file"):
        fit(run(tiny, tmp_path), train_split, validation_split, quiet=True)


def test_each_epoch_shows_every_image_once_in_a_new_order(train_split: Split) -> None:
    rows = []
    size, steps = 50, -(-len(train_split.labels) // 50)
    for images, targets in batches(train_split, size, seed=1).take(2 * steps):
        rows.append((images.numpy(), targets.numpy().argmax(axis=1)))
    for part in (rows[:steps], rows[steps:]):
        seen = np.concatenate([images for images, _ in part]).reshape(-1, 48 * 48)
        expected = train_split.images.reshape(-1, 48 * 48)
        assert {row.tobytes() for row in seen} == {row.tobytes() for row in expected}
    assert not np.array_equal(rows[0][0], rows[steps][0])


def test_the_order_depends_on_seed_and_epoch_alone(train_split: Split) -> None:
    steps = -(-len(train_split.labels) // 50)
    later = next(iter(batches(train_split, 50, 1).skip(2 * steps)))[0].numpy()
    resumed = next(iter(batches(train_split, 50, 1, first_epoch=2)))[0].numpy()
    other = next(iter(batches(train_split, 50, 2, first_epoch=2)))[0].numpy()
    np.testing.assert_array_equal(later, resumed)
    assert not np.array_equal(other, resumed)
