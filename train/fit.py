"""The training loop: epochs, callbacks, seeds, and going on after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from train.checkpoint import Checkpoint, Progress
from train.data import LABELS, Split
from train.model import build, build_for_training
from train.recipes import Recipe

History = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Run:
    """What defines a training and where its state is kept between epochs."""

    recipe: Recipe
    seed: int
    precision: str
    checkpoint: Path


def fit(
    run: Run, train: Split, validation: Split, quiet: bool = False
) -> tuple[keras.Model, History]:
    """Train and return the float32 model of standard layers with the loss and accuracy by epoch.

    The weights are those of the last epoch: none is chosen by its validation accuracy. A run that
    was killed goes on after its last whole epoch. Raises ``KeyboardInterrupt`` on Ctrl-C.
    """
    keras.utils.set_random_seed(run.seed)
    recipe = run.recipe
    network = compiled(build_for_training(recipe, run.precision), recipe)
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=recipe.plateau_factor, patience=recipe.plateau_patience
    )
    checkpoint = Checkpoint(run.checkpoint, network, plateau, run.precision)
    done = checkpoint.restore()
    if done < recipe.epochs:
        progress = Progress(recipe.epochs, done, quiet)
        callbacks = [plateau, checkpoint, progress]
        with progress.bar:
            fit_epochs(network, recipe, train, validation, run.seed, done, recipe.epochs, callbacks)
    model = build(recipe)
    model.set_weights(network.get_weights())
    return model, checkpoint.history


def compiled(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Give ``network``, whose output are logits, its loss, optimiser and metric."""
    network.compile(
        keras.optimizers.Adam(recipe.learning_rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return network


def fit_epochs(
    network: keras.Model,
    recipe: Recipe,
    train: Split,
    validation: Split,
    seed: int,
    first: int,
    last: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train the compiled ``network`` from epoch ``first`` up to, not including, ``last``."""
    network.fit(
        batches(train, recipe.batch_size, seed, first),
        steps_per_epoch=-(-len(train.labels) // recipe.batch_size),
        validation_data=_whole(validation, recipe.batch_size),
        initial_epoch=first,
        epochs=last,
        callbacks=list(callbacks),
        shuffle=False,  # the batches come shuffled
        verbose=0,
    )


def batches(split: Split, size: int, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches (pixels ``[n, 48, 48, 1]``, one-hot ``[n, 7]``), epoch after epoch.

    The order in an epoch depends on the seed and the number of the epoch alone, so that a run that
    resumes sees what it would have seen.
    """
    images = tf.constant(split.images)
    targets = tf.constant(one_hot(split))

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.range(len(split.labels))
        order = tf.random.experimental.stateless_shuffle(order, tf.stack([seed, number]))
        return tf.data.Dataset.from_tensor_slices(order).batch(size)

    return (
        tf.data.Dataset.counter(first_epoch, dtype=tf.int32)
        .flat_map(epoch)
        .map(lambda rows: (tf.gather(images, rows), tf.gather(targets, rows)))
        .prefetch(2)
    )


def one_hot(split: Split) -> np.ndarray:
    """``float32[n, 7]``, 1 at the label."""
    return np.eye(len(LABELS), dtype=np.float32)[split.labels]


def _whole(split: Split, size: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((split.images, one_hot(split))).batch(size)
