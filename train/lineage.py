"""What a training takes from other recipes' models: its first weights, and part of its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from edge.contract import ModelContract
from train.artifact import load_model
from train.errors import ArtifactError
from train.model import build, build_for_training
from train.recipes import Recipe, completed, model_path


@dataclass(frozen=True, slots=True)
class Lineage:
    """``weights`` in the order of ``build``'s (none: random ones), and where all of it comes from.

    ``taught_by`` are the teachers: recipe, weights, and share of the target.
    """

    weights: Sequence[np.ndarray]
    taught_by: Sequence[tuple[Recipe, Sequence[np.ndarray], float]]
    origins: Mapping[str, Mapping[str, Any]]

    def teachers(self, precision: str) -> Sequence[tuple[keras.Model, float]]:
        """Return the teachers, pixels → logits ``[n, 7]``, each with its share of the target.

        They compute as fast as a network in training, in ``precision``.
        """
        networks = []
        for recipe, weights, share in self.taught_by:
            network = build_for_training(recipe, precision)
            network.set_weights(weights)
            networks.append((network, share))
        return networks


def find_lineage(recipe: Recipe) -> Lineage:
    """Return what ``recipe`` takes from the models that it names.

    Raises ``ArtifactError`` where one is missing or damaged, or can't give its first weights.
    """
    weights: Sequence[np.ndarray] = ()
    taught_by = []
    origins = {}
    if recipe.start:
        model, contract = _load(recipe, "begins with the weights", recipe.start)
        weights = _fitting(model.get_weights(), recipe, recipe.start)
        origins["start"] = _origin(recipe.start, contract)
    for name, share in recipe.teachers:
        model, contract = _load(recipe, "learns from the model", name)
        its_own = _stored(name, contract)
        taught_by.append((its_own, _fitting(model.get_weights(), its_own, name), share))
        origins[f"teacher {name}"] = _origin(name, contract)
    return Lineage(weights, taught_by, origins)


def _load(recipe: Recipe, use: str, other: str) -> tuple[keras.Model, ModelContract]:
    try:
        return load_model(model_path(other))
    except ArtifactError as error:
        raise ArtifactError(
            f"recipe {recipe.name} {use} that 'make train RECIPE={other}' makes: {error}"
        ) from error


def _origin(name: str, contract: ModelContract) -> dict[str, Any]:
    seed = contract.provenance.get("seed")
    return {"recipe": name, "seed": seed, "graph_sha256": contract.graph_sha256}


def _stored(name: str, contract: ModelContract) -> Recipe:
    """The recipe that the model of the one called ``name`` was trained by, for its network."""
    try:
        return Recipe(**completed(contract.provenance["recipe"]))
    except (KeyError, TypeError) as error:
        raise ArtifactError(
            f"{model_path(name)}: expected its recipe in its contract, found {error!r}; train it "
            f"again with 'make train RECIPE={name}'"
        ) from error


def _fitting(weights: Sequence[np.ndarray], recipe: Recipe, owner: str) -> Sequence[np.ndarray]:
    """Return the ``weights`` of ``owner``'s model, which the network of ``recipe`` must have."""
    needed = [tuple(weight.shape) for weight in build(recipe).weights]
    if [weight.shape for weight in weights] != needed:
        raise ArtifactError(
            f"{model_path(owner)}: expected the network of recipe {recipe.name}, found another; "
            f"train it again with 'make train RECIPE={owner}'"
        )
    return weights
