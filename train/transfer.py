"""What a training takes from other recipes' models: a warm start, and teachers (distillation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from edge.contract import ModelContract
from train import fetch
from train.artifact import load_model
from train.errors import ArtifactError
from train.face import face_start, read_face_weights
from train.model import build, build_for_training
from train.recipe import Recipe, Residual
from train.recipes import DLIB, model_path

_NETWORK = ("sets", "dense", "normalise_dense")
"""The fields of a recipe that say how its network is built, beside ``residual``."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network that gives logits ``[n, 7]`` of pixels ``[n, 48, 48, 1]``.

    ``name`` is its recipe's, ``graph_sha256`` says which weights it has, ``share`` is that of its
    answers in the targets.
    """

    name: str
    graph_sha256: str
    network: keras.Model
    share: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """``weights`` of the warm start in the order of ``build``'s, none: random ones.

    Those of ``DLIB`` are as ``read_face_weights`` returns them. ``taught_by`` are the teachers:
    recipe, weights, and share of the target. ``origins`` say of each model which one it is.
    """

    weights: Sequence[np.ndarray]
    taught_by: Sequence[tuple[Recipe, Sequence[np.ndarray], float]]
    origins: Mapping[str, Mapping[str, Any]]

    def start(self, recipe: Recipe, images: np.ndarray) -> Sequence[np.ndarray]:
        """Return the first weights of ``recipe`` in the order of ``build``'s, none: random ones.

        ``images`` are those of the training, ``uint8[n, 48, 48, 1]``.
        """
        if recipe.warm_start == DLIB:
            return face_start(recipe, self.weights, images)
        return self.weights

    def teachers(self, precision: str) -> Sequence[Teacher]:
        """Return the teachers. They compute as fast as a network in training, in ``precision``."""
        found = []
        for recipe, weights, share in self.taught_by:
            network = build_for_training(recipe, precision)
            network.set_weights(weights)
            graph = self.origins[f"teacher {recipe.name}"]["graph_sha256"]
            found.append(Teacher(recipe.name, graph, network, share))
        return found


def load_transfer(recipe: Recipe) -> Transfer:
    """Return what ``recipe`` takes from the models that it names.

    Raises ``ArtifactError`` where one is missing or damaged, or of another network.
    """
    weights: Sequence[np.ndarray] = ()
    taught_by = []
    origins = {}
    if recipe.warm_start == DLIB:
        weights = read_face_weights()
        origins["warm_start"] = {"package": fetch.PACKAGE, "sha256": fetch.SHA256}
    elif recipe.warm_start:
        model, contract = _load(recipe, "begins with the weights", recipe.warm_start)
        weights = _fitting(model.get_weights(), recipe, recipe.warm_start)
        origins["warm_start"] = _origin(recipe.warm_start, contract)
    for name, share in recipe.teachers:
        model, contract = _load(recipe, "learns from the model", name)
        its_own = _network(name, contract.provenance["recipe"])
        taught_by.append((its_own, _fitting(model.get_weights(), its_own, name), share))
        origins[f"teacher {name}"] = _origin(name, contract)
    return Transfer(weights, taught_by, origins)


def _network(name: str, stored: Mapping[str, Any]) -> Recipe:
    """A recipe with the network of the one that a model has ``stored``."""
    residual = Residual(**stored["residual"]) if stored.get("residual") else None
    return Recipe(name, **{field: stored[field] for field in _NETWORK}, residual=residual)


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


def _fitting(weights: Sequence[np.ndarray], recipe: Recipe, owner: str) -> Sequence[np.ndarray]:
    """Return the ``weights`` of ``owner``'s model, which the network of ``recipe`` must have."""
    needed = [tuple(weight.shape) for weight in build(recipe).weights]
    if [weight.shape for weight in weights] != needed:
        raise ArtifactError(
            f"{model_path(owner)}: expected the network of recipe {recipe.name}, found another; "
            f"train it again with 'make train RECIPE={owner}'"
        )
    return weights
