"""All teachers, one after the other, without anybody at the machine."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from edge.protocols import Detector
from train import ensemble
from train.artifact import load_model
from train.data import Split, fingerprint, load_split
from train.errors import ArtifactError
from train.mirror import mirrored_probabilities
from train.model import predict_logits
from train.recipe import Recipe
from train.recipes import DLIB, TEACHERS, model_path
from train.training import train

LEAST = 0.695
"""Share of the validation images that a teacher has right, asked mirrored too. One that learns the
votes alone is not judged by the labels."""
OTHERS = ("base", "tagged")
"""Teachers as well, which ``make train`` makes."""
_log = logging.getLogger(__name__)


def right_mirrored(name: str, validation: Split) -> float:
    """The share of ``validation`` that a model has right, asked about the mirror images too."""
    model, _ = load_model(model_path(name))
    _, both = mirrored_probabilities(functools.partial(predict_logits, model), validation.images)
    return float((both.argmax(axis=1) == validation.labels).mean())


def train_all(
    images: Path,
    detector: Detector,
    recipes: Mapping[str, Recipe] = TEACHERS,
    least: float = LEAST,
    train: Callable[..., Mapping[str, Any]] = train,
    right: Callable[[str, Split], float] = right_mirrored,
    others: Sequence[str] = OTHERS,
) -> list[str]:
    """Train each of ``recipes`` that has no model of these ``images`` yet; return who is good.

    One that has less than ``least`` right is passed over, and so is what begins with it. At the end
    those who are good are weighed together with ``others``, in ``ensemble.RESULT``. Raises
    ``DatasetError``, ``ArtifactError``, and ``KeyboardInterrupt`` on Ctrl-C; the next call goes on
    from there.
    """
    validation = load_split(images, "validation")
    data = fingerprint(load_split(images, "train"), validation)
    good: list[str] = []
    for name, recipe in recipes.items():
        if recipe.warm_start in recipes and recipe.warm_start not in good:
            _log.warning("%s: left out, it begins with %s", name, recipe.warm_start)
            continue
        if _is_there(recipe, data):
            _log.info("%s: is there", name)
        else:
            _log.info("%s: %d epochs", name, recipe.epochs)
            keras.backend.clear_session()
            report = train(recipe, 0, images, model_path(name), detector)
            top1, minutes = report["validation"]["top1"], report["minutes"]
            _log.info("%s: top-1 %.2f%%, %.0f minutes", name, 100 * top1, minutes)
        found = right(name, validation)
        if found < least and not recipe.votes:
            _log.warning(
                "%s: expected %.1f%% of the validation images right, asked about their mirror "
                "images too, found %.1f%%; it is left out",
                *(name, 100 * least, 100 * found),
            )
            continue
        good.append(name)
    if good:
        _log.info("%s", ensemble.table(ensemble.write([*others, *good], images)))
    return good


def _is_there(recipe: Recipe, data: str) -> bool:
    try:
        trained = load_model(model_path(recipe.name))[1].provenance
        if recipe.warm_start not in ("", DLIB):
            _, start = load_model(model_path(recipe.warm_start))
            if trained.get("warm_start", {}).get("graph_sha256") != start.graph_sha256:
                return False
    except ArtifactError:
        return False
    return (trained.get("recipe"), trained.get("data")) == (recipe.to_dict(), data)
