"""How much faster an epoch is here than in plain Keras: both are run, in turn, on the same data."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import tensorflow as tf

from edge.errors import first_line
from train import precision
from train.data import LABELS, load_split
from train.errors import DatasetError
from train.examples import plain_examples, training_examples
from train.fit import Run, batches, compiled, fit_epochs, steps_per_epoch
from train.model import build, build_for_training
from train.recipes import Plateau, Recipe


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of each measured epoch, validation included, and the precision that was used."""

    plain: list[float]
    fast: list[float]
    precision: str

    @property
    def ratio(self) -> float:
        """How many times shorter the fast epoch is, by the medians."""
        return statistics.median(self.plain) / statistics.median(self.fast)


def measure(recipe: Recipe, images: Path, epochs: int) -> Speed:
    """Time ``epochs`` epochs of both ways in turn, each after an epoch's first steps as warm-up.

    Plain Keras is what its guides show: ``image_dataset_from_directory``, layers from
    ``keras.layers`` in float32, ``compile`` and ``fit``; the network and batch size of ``recipe``.
    Without augmentation, mixup, teachers and what else its guides don't show, so that both do the
    same. Raises ``DatasetError``, also for images that only Keras can't read.
    """
    recipe = replace(
        recipe,
        augmentation=None,
        mixup=0,
        teachers=(),
        least_per_class=0,
        dropout=0,
        weight_decay=0,
        schedule=Plateau(),
    )
    policy = precision.fastest()
    fast, plain = _fast(recipe, images, policy), _plain(recipe, images)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(epochs):
        for epoch, times in zip((plain, fast), seconds, strict=True):
            start = time.monotonic()
            epoch()
            times.append(time.monotonic() - start)
    return Speed(*seconds, policy)


@contextlib.contextmanager
def _read_by_keras(images: Path) -> Iterator[None]:
    """Raise ``DatasetError`` for what Keras raises where it reads ``images``."""
    try:
        yield
    except (ValueError, tf.errors.OpError) as error:
        raise DatasetError(
            f"{images}: expected images and folders that plain Keras reads too, found "
            f"{first_line(error)}; move what is no image or no class away for this comparison"
        ) from error


def _plain(recipe: Recipe, images: Path) -> Callable[[], object]:
    with _read_by_keras(images):
        train, validation = (
            keras.utils.image_dataset_from_directory(
                images / split,
                label_mode="categorical",
                class_names=list(LABELS),
                color_mode="grayscale",
                image_size=(48, 48),
                batch_size=recipe.batch_size,
                verbose=False,
            )
            for split in ("train", "validation")
        )
        model = build(recipe)
        model.compile(
            keras.optimizers.Adam(recipe.learning_rate),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(train.take(3), shuffle=False, verbose=0)

    @_read_by_keras(images)
    def epoch() -> None:
        model.fit(train, validation_data=validation, shuffle=False, verbose=0)

    return epoch


def _fast(recipe: Recipe, images: Path, policy: str) -> Callable[[], object]:
    train = training_examples(load_split(images, "train"), recipe)
    validation = plain_examples(load_split(images, "validation"))
    steps = steps_per_epoch(train, recipe)
    network = compiled(build_for_training(recipe, policy), recipe, steps)
    run = Run(recipe, 0, policy, checkpoint=Path())
    network.train_on_batch(*next(iter(batches(train, run))))
    return lambda: fit_epochs(network, run, train, validation, first=0, last=1)
