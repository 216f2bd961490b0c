"""The training loop: precision, epochs, callbacks, seeds, and going on after a kill."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from train.augment import augment, mix
from train.checkpoint import Checkpoint
from train.examples import Examples
from train.logs import CsvLog, Summaries
from train.model import LOGITS, build, build_for_training
from train.progress import TrainingProgress
from train.recipe import Cosine, Plateau, Recipe

History = dict[str, list[float]]
FLOAT32 = "float32"
BFLOAT16 = "mixed_bfloat16"
_log = logging.getLogger(__name__)
_AUGMENTERS = max(2, os.cpu_count() or 2)
"""Batches that are changed at the same time: as many as it takes to feed a GPU."""
_ROUNDS = 4
_CLEARLY = 1.2
"""How many times faster bfloat16 must be: two runs of a recipe should choose the same, also on a
busy machine."""


@dataclass(frozen=True, slots=True)
class Training:
    """What defines a training and where its state is kept between epochs."""

    recipe: Recipe
    seed: int
    precision: str
    checkpoint: Path
    start: Sequence[np.ndarray] = ()
    """The first weights of a warm start, in the order of ``build``'s; the others are random."""
    log: Path | None = None
    """The CSV file that gets every epoch, beside ``checkpoint`` or above it."""
    summaries: Path | None = None
    """The folder that gets every epoch for TensorBoard."""


def fit(
    training: Training, train: Examples, validation: Examples, quiet: bool = False
) -> tuple[keras.Model, History]:
    """Train and return the float32 model of standard layers with the loss and accuracy by epoch.

    The weights are those of the last epoch: none is chosen by its validation accuracy. A run that
    was killed goes on after its last whole epoch. Raises ``KeyboardInterrupt`` on Ctrl-C.
    """
    keras.utils.set_random_seed(training.seed)
    recipe = training.recipe
    network = compiled(
        build_for_training(recipe, training.precision, train.targets.shape[1]),
        recipe,
        steps_per_epoch(train, recipe),
    )
    _shorten_averages(network, steps_per_epoch(train, recipe) * recipe.epochs)
    network.set_weights([*training.start, *network.get_weights()[len(training.start) :]])
    plateau = _plateau(recipe)
    checkpoint = Checkpoint(training.checkpoint, training.precision, plateau)
    done = checkpoint.restore(network)
    if done:
        _log.info("going on after epoch %d of %d", done, recipe.epochs)
    if done < recipe.epochs:
        callbacks = [*([plateau] if plateau else []), *_averaging(recipe)]
        callbacks += [checkpoint, *_logs(training, checkpoint.history)]
        fit_epochs(network, training, train, validation, done, callbacks, quiet)
    network.optimizer.finalize_variable_values(network.trainable_variables)
    model = build(recipe, train.targets.shape[1])
    model.set_weights(network.get_weights())
    return model, checkpoint.history


def fastest_precision() -> str:
    """Return the Keras dtype policy under which a convolution learns faster here.

    Processors without bfloat16 instructions emulate them, in the gradients many times slower than
    float32, and no flag says so on every platform; so both are timed in turn, which takes seconds.
    """

    def gradients(images: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            result = tf.nn.conv2d(images, kernel, 1, "SAME")
        return list(tape.gradient(result, [images, kernel]))

    learn = tf.function(gradients)
    best = dict.fromkeys((FLOAT32, BFLOAT16), float("inf"))
    for attempt in range(_ROUNDS):
        for policy, dtype in ((FLOAT32, tf.float32), (BFLOAT16, tf.bfloat16)):
            operands = tf.ones((16, 24, 24, 64), dtype), tf.ones((3, 3, 64, 128), dtype)
            start = time.perf_counter()
            learn(*operands)[-1].numpy()  # a GPU says that it is done before it is
            if attempt:
                best[policy] = min(best[policy], time.perf_counter() - start)
    return BFLOAT16 if best[FLOAT32] > _CLEARLY * best[BFLOAT16] else FLOAT32


class _Adam(keras.optimizers.Adam):
    """Adam under which the layer of the logits learns ``head_rate`` times faster."""

    def __init__(self, head_rate: float, **options: Any) -> None:
        super().__init__(name="adam", **options)
        self._head_rate = head_rate

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        faster = self._head_rate if variable.name.startswith(f"{LOGITS}/") else 1.0
        super().update_step(gradient, variable, learning_rate * faster)


def compiled(network: keras.Model, recipe: Recipe, steps: int) -> keras.Model:
    """Give ``network``, whose outputs are logits, its loss, optimiser and metric.

    ``steps`` are those of an epoch.
    """
    optimizer = _Adam(
        recipe.head_rate,
        learning_rate=_learning_rate(recipe, steps),
        weight_decay=recipe.weight_decay or None,
        use_ema=bool(recipe.average),
        ema_momentum=recipe.average,
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


def _shorten_averages(network: keras.Model, steps: int) -> None:
    """Let batch normalisation average over a tenth of a training of few ``steps``.

    Keras' average over a hundred of them lags behind the weights, or is still where it began.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, max(1 - 10 / steps, 0.8))


def fit_epochs(
    network: keras.Model,
    training: Training,
    train: Examples,
    validation: Examples,
    first: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
) -> None:
    """Train the compiled ``network`` from epoch ``first`` to the last of its recipe.

    Shows how far it is, unless it is to be ``quiet``.
    """
    recipe, steps = training.recipe, steps_per_epoch(train, training.recipe)
    whole = tf.data.Dataset.from_tensor_slices((validation.images, validation.targets))
    with contextlib.ExitStack() as stack:
        if not quiet:
            progress = TrainingProgress(recipe.epochs, steps, first)
            callbacks = [*callbacks, stack.enter_context(progress)]
        network.fit(
            batches(train, training, first),
            steps_per_epoch=steps,
            validation_data=whole.batch(recipe.batch_size),
            initial_epoch=first,
            epochs=recipe.epochs,
            callbacks=list(callbacks),
            shuffle=False,  # the batches come shuffled
            verbose=0,
        )


def steps_per_epoch(train: Examples, recipe: Recipe) -> int:
    """How many batches an epoch has; the last one may be smaller."""
    return -(-len(train.rows) // recipe.batch_size)


def batches(train: Examples, training: Training, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches (pixels ``[n, side, side, 1]``, targets ``[n, classes]``), epoch after epoch.

    Where ``train`` has views, one of each image is shown, with what the teachers didn't see.
    The order in an epoch and the changes to its images depend on the seed and the number of the
    epoch alone, so that a run that resumes sees what it would have seen.
    """
    images, targets, rows = map(tf.constant, (train.images, train.targets, train.rows))
    recipe, seed = training.recipe, training.seed
    changes, mixed = recipe.augmentation, recipe.mixup
    if train.views:
        changes = changes and changes.shown()  # the rest is in the views
    steps = steps_per_epoch(train, recipe)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(rows, tf.stack([seed, number]))
        chosen = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)
        return chosen.enumerate(tf.cast(number * steps, tf.int64))

    def load(step: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        key = tf.stack([seed, tf.cast(step, tf.int32)])
        if train.views:
            chosen += _any_view(chosen, key, train)
        pixels, wanted = tf.gather(images, chosen), tf.gather(targets, chosen)
        if changes:
            pixels = augment(pixels, key, changes)
        if mixed:
            pixels, wanted = mix(pixels, wanted, key, mixed)
        return pixels, wanted

    return (
        tf.data.Dataset.counter(first_epoch, dtype=tf.int32)
        .flat_map(epoch)
        .map(load, num_parallel_calls=_AUGMENTERS, deterministic=True)
        .prefetch(2)
    )


def _any_view(rows: tf.Tensor, key: tf.Tensor, train: Examples) -> tf.Tensor:
    """What to add to ``rows`` (``[n]``) for the places of their images in a view each."""
    chosen = tf.random.stateless_uniform(tf.shape(rows), key, 0, train.views, tf.int32)
    return chosen * (len(train.images) // train.views)


def _learning_rate(
    recipe: Recipe, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if not isinstance(recipe.schedule, Cosine):
        return recipe.learning_rate
    whole = recipe.epochs * steps
    rising = min(round(recipe.schedule.warmup_epochs * steps), whole // 2)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        whole - rising,
        warmup_target=recipe.learning_rate,
        warmup_steps=rising,
    )


def _logs(training: Training, history: History) -> list[keras.callbacks.Callback]:
    return [
        *([CsvLog(training.log, history)] if training.log else []),
        *([Summaries(training.summaries, history)] if training.summaries else []),
    ]


def _averaging(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Validation is that of the averaged weights."""
    return [keras.callbacks.SwapEMAWeights()] if recipe.average else []


def _plateau(recipe: Recipe) -> keras.callbacks.ReduceLROnPlateau | None:
    if not isinstance(recipe.schedule, Plateau):
        return None
    return keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=recipe.schedule.factor, patience=recipe.schedule.patience
    )
