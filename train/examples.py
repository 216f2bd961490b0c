"""What a training learns from: images, their targets, and how often an epoch shows each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data import Split
from train.errors import VotesError
from train.recipe import Recipe
from train.votes import LEAST_JOINED, Votes, join, load_votes, shares


@dataclass(frozen=True, slots=True)
class Examples:
    """``images`` ``uint8[n, side, side, 1]``, ``targets`` ``float32[n, classes]``: rows sum to 1.

    ``rows`` (``int32[m]``) are the images of an epoch, some of them more than once. Where there are
    several ``views`` of each image, ``images`` and ``targets`` are those of the first view, then
    those of the second one, and so on; each time one is chosen.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    rows: NDArray[np.int32]
    views: int = 0

    def shares(self) -> NDArray[np.float32]:
        """``float32[classes]``: the mean target of an epoch; its sum is 1."""
        of_views = self.targets.reshape(max(self.views, 1), -1, self.targets.shape[1])
        return np.asarray(of_views[:, self.rows].mean(axis=(0, 1)), np.float32)


def plain_examples(split: Split) -> Examples:
    """Every image once, with its label."""
    rows = np.arange(len(split.labels), dtype=np.int32)
    return Examples(split.images, one_hot(split), rows)


def training_examples(split: Split, recipe: Recipe, votes: Votes | None = None) -> Examples:
    """The images, targets and frequencies that ``recipe`` asks for; raises ``VotesError``.

    ``votes`` are the shipped ones where none are given. What teachers say is not in the targets.
    """
    targets = one_hot(split)
    if recipe.votes:
        targets = _mixed(
            targets, shares(join(split.images, votes or load_votes(), split.classes)), recipe
        )
    return Examples(split.images, targets, _rows(split, recipe.least_per_class))


def one_hot(split: Split) -> NDArray[np.float32]:
    """``float32[n, classes]``, 1 at the label."""
    return np.eye(len(split.classes), dtype=np.float32)[split.labels]


def _mixed(
    targets: NDArray[np.float32], voted: NDArray[np.float32], recipe: Recipe
) -> NDArray[np.float32]:
    """Mean of label and votes; the label alone where there are no votes."""
    known = ~np.isnan(voted[:, 0])
    if known.mean() < LEAST_JOINED:
        raise VotesError(
            f"recipe {recipe.name}: expected images of FER2013, to which the FER+ votes belong, "
            f"found votes for {known.mean():.0%} of the training images; train with "
            "RECIPE=own, which needs none"
        )
    mixed = (1 - recipe.votes) * targets + recipe.votes * voted
    return np.where(known[:, None], mixed, targets)


def _rows(split: Split, least: int) -> NDArray[np.int32]:
    """Every index once, and those of smaller classes in turn until they are ``least``."""
    rows = [np.flatnonzero(split.labels == label) for label in range(len(split.classes))]
    return np.concatenate([np.resize(own, max(len(own), least)) for own in rows]).astype(np.int32)
