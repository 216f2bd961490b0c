"""What a training takes from other recipes' models: its first weights, and part of its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from train.artifact import load_model
from train.errors import ArtifactError
from train.model import build, predict_logits
from train.recipes import Recipe, model_path


@dataclass(frozen=True, slots=True)
class Lineage:
    """``weights`` in the order of ``build``'s (none: random ones), a ``teacher``, their origins."""

    weights: Sequence[np.ndarray] = ()
    teacher: keras.Model | None = None
    origins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def taught(self, images: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → the teacher's ``float32[n, labels]``, if any."""
        if self.teacher is None:
            return None
        return np.asarray(softmax(predict_logits(self.teacher, images), axis=1), np.float32)


def find_lineage(recipe: Recipe) -> Lineage:
    """Return what ``recipe`` takes from the models that it names.

    Raises ``ArtifactError`` where one is missing or damaged, or can't give its first weights.
    """
    weights: Sequence[np.ndarray] = ()
    teacher = None
    origins = {}
    if recipe.start:
        model, origins["start"] = _load(recipe, "begins with the weights", recipe.start)
        weights = _fitting(model.get_weights(), recipe)
    if recipe.teacher:
        teacher, origins["teacher"] = _load(recipe, "learns from the model", recipe.teacher)
    return Lineage(weights, teacher, origins)


def _load(recipe: Recipe, use: str, other: str) -> tuple[keras.Model, dict[str, Any]]:
    try:
        model, contract = load_model(model_path(other))
    except ArtifactError as error:
        raise ArtifactError(
            f"recipe {recipe.name} {use} that 'make train RECIPE={other}' makes: {error}"
        ) from error
    seed = contract.provenance["seed"]
    return model, {"recipe": other, "seed": seed, "graph_sha256": contract.graph_sha256}


def _fitting(weights: Sequence[np.ndarray], recipe: Recipe) -> Sequence[np.ndarray]:
    needed = [tuple(weight.shape) for weight in build(recipe).weights]
    if [weight.shape for weight in weights] != needed:
        raise ArtifactError(
            f"{model_path(recipe.start)}: expected the network of recipe {recipe.name}, which "
            f"begins with these weights, found another; train it again with 'make train "
            f"RECIPE={recipe.start}'"
        )
    return weights
