"""All teachers, one after the other, without anybody at the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from edge.protocols import Detector
from train import ensemble
from train.artifact import load_model
from train.data import fingerprint, load_split
from train.errors import ArtifactError, StoppedLineError
from train.recipe import Recipe
from train.recipes import TEACHERS, model_path
from train.training import train

LEAST = 0.695
"""Share of the validation images that a teacher has right after 30 epochs, asked mirrored too. One
that learns the votes alone is not judged by the labels."""
_log = logging.getLogger(__name__)


def train_all(
    images: Path,
    detector: Detector,
    recipes: Mapping[str, Recipe] = TEACHERS,
    least: float = LEAST,
    train: Callable[..., Mapping[str, Any]] = train,
) -> list[str]:
    """Train each of ``recipes`` that has no model of these ``images`` yet; return who has one.

    A line that is stopped, or that builds on one that is, is said and passed over. Writes
    ``ensemble.RESULT`` at the end. Raises ``DatasetError``, and ``KeyboardInterrupt`` on Ctrl-C;
    the next call goes on from there.
    """
    data = fingerprint(*(load_split(images, name) for name in ("train", "validation")))
    done = []
    for seed, (name, recipe) in enumerate(recipes.items()):
        if _is_there(recipe, data):
            _log.info("%s: is there", name)
        else:
            _log.info("%s: %d epochs", name, recipe.epochs)
            keras.backend.clear_session()
            try:
                report = train(
                    recipe, seed, images, model_path(name), detector,
                    least=0.0 if recipe.votes else least,
                )  # fmt: skip
            except (StoppedLineError, ArtifactError) as problem:
                _log.warning("%s", problem)
                continue
            _log.info(
                "%s: top-1 %.2f%%, %.0f minutes",
                *(name, 100 * report["validation"]["top1"], report["minutes"]),
            )
        done.append(name)
    if done:
        _log.info("%s", ensemble.table(ensemble.write(done, images)))
    return done


def _is_there(recipe: Recipe, data: str) -> bool:
    try:
        _, contract = load_model(model_path(recipe.name))
    except ArtifactError:
        return False
    trained = contract.provenance
    return (trained.get("recipe"), trained.get("data")) == (recipe.to_dict(), data)
