"""The training loop: epochs, callbacks, seeds, and going on after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from train.augment import augment, mix
from train.checkpoint import Checkpoint, Progress
from train.examples import Examples
from train.model import build, build_for_training
from train.recipes import Cosine, Plateau, Recipe

History = dict[str, list[float]]
_AUGMENTERS = 2


@dataclass(frozen=True, slots=True)
class Run:
    """What defines a training and where its state is kept between epochs."""

    recipe: Recipe
    seed: int
    precision: str
    checkpoint: Path
    start: Sequence[np.ndarray] = ()
    """The first weights, in the order of ``build``'s; random ones without."""
    teachers: Sequence[tuple[keras.Model, float]] = ()
    """Networks that give logits ``[n, 7]``, each with the share of its answer in the targets."""


def fit(
    run: Run, train: Examples, validation: Examples, quiet: bool = False
) -> tuple[keras.Model, History]:
    """Train and return the float32 model of standard layers with the loss and accuracy by epoch.

    The weights are those of the last epoch: none is chosen by its validation accuracy. A run that
    was killed goes on after its last whole epoch. Raises ``KeyboardInterrupt`` on Ctrl-C.
    """
    keras.utils.set_random_seed(run.seed)
    recipe = run.recipe
    steps = steps_per_epoch(train, recipe)
    network = compiled(build_for_training(recipe, run.precision), recipe, steps)
    if run.start:
        network.set_weights(run.start)
    plateau = _plateau(recipe)
    checkpoint = Checkpoint(run.checkpoint, network, plateau, run.precision)
    done = checkpoint.restore()
    if done < recipe.epochs:
        progress = Progress(recipe.epochs, done, quiet)
        callbacks = [*([plateau] if plateau else []), checkpoint, progress]
        with progress.bar:
            fit_epochs(network, run, train, validation, done, recipe.epochs, callbacks)
    model = build(recipe)
    model.set_weights(network.get_weights())
    return model, checkpoint.history


def compiled(network: keras.Model, recipe: Recipe, steps: int) -> keras.Model:
    """Give ``network``, whose outputs are logits, its loss, optimiser and metric.

    ``steps`` are those of an epoch.
    """
    optimizer = keras.optimizers.Adam(
        _learning_rate(recipe, steps), weight_decay=recipe.weight_decay or None
    )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    network.compile(
        optimizer,
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return network


def fit_epochs(
    network: keras.Model,
    run: Run,
    train: Examples,
    validation: Examples,
    first: int,
    last: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train the compiled ``network`` from epoch ``first`` up to, not including, ``last``."""
    network.fit(
        batches(train, run, first),
        steps_per_epoch=steps_per_epoch(train, run.recipe),
        validation_data=_whole(validation, run.recipe.batch_size),
        initial_epoch=first,
        epochs=last,
        callbacks=list(callbacks),
        shuffle=False,  # the batches come shuffled
        verbose=0,
    )


def steps_per_epoch(train: Examples, recipe: Recipe) -> int:
    """How many batches an epoch has; the last one may be smaller."""
    return -(-len(train.rows) // recipe.batch_size)


def batches(train: Examples, run: Run, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches (pixels ``[n, 48, 48, 1]``, targets ``[n, 7]``), epoch after epoch.

    Targets are those of ``train`` and the teachers' answers to the changed images, by their shares.
    The order in an epoch and the changes to its images depend on the seed and the number of the
    epoch alone, so that a run that resumes sees what it would have seen.
    """
    images, targets, rows = map(tf.constant, (train.images, train.targets, train.rows))
    recipe, seed = run.recipe, run.seed
    options = recipe.augmentation
    rest = 1 - sum(share for _, share in run.teachers)
    steps = steps_per_epoch(train, recipe)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(rows, tf.stack([seed, number]))
        chosen = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)
        return chosen.enumerate(tf.cast(number * steps, tf.int64))

    def load(step: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, wanted = tf.gather(images, chosen), tf.gather(targets, chosen)
        key = tf.stack([seed, tf.cast(step, tf.int32)])
        if options:
            pixels = augment(pixels, key, options)
        if recipe.mixup:
            pixels, wanted = mix(pixels, wanted, key, recipe.mixup)
        wanted *= rest
        for teacher, share in run.teachers:
            wanted += share * tf.nn.softmax(teacher(pixels, training=False))
        return pixels, wanted

    return (
        tf.data.Dataset.counter(first_epoch, dtype=tf.int32)
        .flat_map(epoch)
        .map(load, num_parallel_calls=_AUGMENTERS, deterministic=True)
        .prefetch(2)
    )


def _learning_rate(
    recipe: Recipe, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if not isinstance(recipe.schedule, Cosine):
        return recipe.learning_rate
    rising = round(recipe.schedule.warmup_epochs * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        recipe.epochs * steps - rising,
        warmup_target=recipe.learning_rate,
        warmup_steps=rising,
    )


def _plateau(recipe: Recipe) -> keras.callbacks.ReduceLROnPlateau | None:
    if not isinstance(recipe.schedule, Plateau):
        return None
    return keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=recipe.schedule.factor, patience=recipe.schedule.patience
    )


def _whole(split: Examples, size: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((split.images, split.targets)).batch(size)
