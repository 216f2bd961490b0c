"""What a training begins with: random weights, or those of another recipe's model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from train.artifact import load_model
from train.errors import ArtifactError
from train.model import build
from train.recipes import Recipe, model_path


@dataclass(frozen=True, slots=True)
class Start:
    """``weights`` in the order of ``build``'s, and where they come from."""

    weights: list[np.ndarray]
    origin: dict[str, Any]


def find_start(recipe: Recipe) -> Start | None:
    """Return what ``recipe`` begins with, nothing for random weights.

    Raises ``ArtifactError`` where the model that it names is missing, damaged or another network.
    """
    if not recipe.start:
        return None
    path = model_path(recipe.start)
    try:
        model, contract = load_model(path)
    except ArtifactError as error:
        raise ArtifactError(
            f"recipe {recipe.name} begins with the weights that 'make train "
            f"RECIPE={recipe.start}' makes: {error}"
        ) from error
    weights = model.get_weights()
    needed = [tuple(weight.shape) for weight in build(recipe).weights]
    if [weight.shape for weight in weights] != needed:
        raise ArtifactError(
            f"{path}: expected the network of recipe {recipe.name}, which begins with these "
            f"weights, found another; train it again with 'make train RECIPE={recipe.start}'"
        )
    trained = contract.provenance
    return Start(
        weights,
        {"recipe": recipe.start, "seed": trained["seed"], "graph_sha256": contract.graph_sha256},
    )
