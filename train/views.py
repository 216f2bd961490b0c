"""Views: training images as they are changed for the network, and what teachers say of each.

A teacher is asked about every view and its mirror image once, and its answers are kept: all
trainings that show these views learn from them. What it says about a turned or dark face
is in no label, and it has learnt nothing of it by heart (function matching: Beyer et al. 2021,
arXiv 2106.05237). It is not asked about blur, noise, compression and covered parts, which mislead
it; they are added each time that a view is shown, with slight movements.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.files import replace_with
from train.augment import augment
from train.examples import Examples
from train.recipe import Augmentation, Recipe
from train.transfer import Teacher

ANSWERS = Path("models/answers")
"""Where answers are kept; an answer is 1 MB for each teacher and view of FER2013."""
_BATCH = 256
_log = logging.getLogger(__name__)


def show_views(examples: Examples, recipe: Recipe, teachers: Sequence[Teacher]) -> Examples:
    """Return ``examples`` with the views that ``recipe`` asks for, and the teachers' share in them.

    The views are the same for every seed. Answers that are in ``ANSWERS`` are not asked for again;
    new ones are written there.
    """
    rest = 1 - sum(teacher.share for teacher in teachers)
    images = [view(examples.images, number, recipe.augmentation) for number in range(recipe.views)]
    targets = [rest * examples.targets for _ in images]
    for teacher in teachers:
        for target, answer in zip(targets, _answers(teacher, images), strict=True):
            np.add(target, teacher.share * answer, out=target)
    return Examples(np.concatenate(images), np.concatenate(targets), examples.rows, recipe.views)


def view(images: NDArray[np.uint8], number: int, options: Augmentation | None) -> NDArray[np.uint8]:
    """Return ``images`` (``uint8[n, side, side, 1]``), changed as view ``number`` is."""
    if options is None:
        return images
    parts = []
    for start in range(0, len(images), _BATCH):
        part = tf.constant(images[start : start + _BATCH])
        changed = augment(part, tf.constant([number, start]), options.asked())
        parts.append(tf.cast(tf.round(changed), tf.uint8).numpy())
    return np.concatenate(parts)


def _answers(teacher: Teacher, views: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
    """Yield the probabilities ``float32[n, classes]`` of each view and its mirror image, the mean.

    A view is ``uint8[n, side, side, 1]``.
    """
    fast = tf.function(functools.partial(_both, teacher.network), reduce_retracing=True)
    for number, images in enumerate(views, 1):
        asked = hashlib.sha256(images.tobytes()).hexdigest()[:12]
        path = ANSWERS / f"{teacher.name}-{teacher.graph_sha256[:12]}-{asked}.npy"
        if path.exists():
            yield np.load(path, allow_pickle=False)
            continue
        _log.info("asking %s about view %d of %d", teacher.name, number, len(views))
        parts = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
        answer = np.concatenate([fast(tf.constant(part)).numpy() for part in parts])
        ANSWERS.mkdir(parents=True, exist_ok=True)
        with replace_with(path) as file:
            np.save(file, answer)
        yield answer


def _both(network: keras.Model, pixels: tf.Tensor) -> tf.Tensor:
    pixels = tf.cast(pixels, tf.float32)
    logits = network(tf.concat([pixels, tf.reverse(pixels, [2])], axis=0), training=False)
    return tf.add_n(tf.split(tf.nn.softmax(logits), 2)) / 2
