"""What a training takes from other recipes' models: a warm start, and teachers (distillation)."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.contract import ModelContract
from train import fetch
from train.artifact import load_model
from train.data import Split
from train.errors import ArtifactError, RecipeError
from train.face import face_start, read_face_weights
from train.head import fit_head
from train.model import build, build_for_training
from train.recipe import Recipe
from train.recipe_file import changed
from train.recipes import DLIB, model_path

_NETWORK = ("side", "network", "sets", "dense", "normalise_dense", "residual")
"""The fields of a recipe that say how its network is built."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network that gives logits ``[n, classes]`` of pixels ``[n, side, side, 1]``.

    ``name`` is its recipe's, ``graph_sha256`` says which weights it has, ``share`` is that of its
    answers in the targets.
    """

    name: str
    graph_sha256: str
    network: keras.Model
    share: float


@dataclass(frozen=True, slots=True)
class Transfer:
    """``weights`` of the warm start in the order of ``build``'s; those that are missing are random.

    Those of ``DLIB`` are as ``read_face_weights`` returns them. ``labels`` are those of the model
    with whose logits it begins. ``taught_by`` are the teachers: recipe, weights, share of the
    target, and labels. ``origins`` say of each model which one it is.
    """

    weights: Sequence[np.ndarray]
    taught_by: Sequence[tuple[Recipe, Sequence[np.ndarray], float, tuple[str, ...]]]
    origins: Mapping[str, Mapping[str, Any]]
    labels: tuple[str, ...] = ()

    def start(self, recipe: Recipe, split: Split) -> Sequence[np.ndarray]:
        """Return the first weights of ``recipe`` in the order of ``build``'s, the rest is random.

        ``split`` is that of the training. Where its classes are others than the model's, the layer
        of the logits is fitted to them before all others learn (Kumar et al. 2022, "Fine-tuning can
        distort pretrained features", arXiv 2202.10054).
        """
        if recipe.warm_start == DLIB:
            return face_start(recipe, self.weights, split)
        if not self.labels or self.labels == split.classes:
            return self.weights
        return fit_head(build(recipe, len(self.labels)), self.weights, split)

    def teachers(self, precision: str, classes: tuple[str, ...]) -> Sequence[Teacher]:
        """Return the teachers. They compute as fast as a network in training, in ``precision``.

        Raises ``RecipeError`` where one knows other labels than ``classes``, in their order.
        """
        found = []
        for recipe, weights, share, labels in self.taught_by:
            if labels != classes:
                raise RecipeError(
                    f"images: expected the classes {', '.join(labels)}, about which {recipe.name} "
                    f"teaches, found {', '.join(classes)}; train with RECIPE=own"
                )
            network = build_for_training(recipe, precision, len(labels))
            network.set_weights(weights)
            graph = self.origins[f"teacher {recipe.name}"]["graph_sha256"]
            found.append(Teacher(recipe.name, graph, network, share))
        return found


def begin_with(recipe: Recipe, path: Path) -> Recipe:
    """Return ``recipe`` with the network and the first weights of the model at ``path``.

    The images are of that model's size. Raises ``ArtifactError``.
    """
    _, contract = load_model(path)
    own = _network(recipe.name, contract, path)
    network = {field: getattr(own, field) for field in _NETWORK}
    return dataclasses.replace(recipe, **network, warm_start=str(path))


def load_transfer(recipe: Recipe) -> Transfer:
    """Return what ``recipe`` takes from the models that it names.

    A warm start gives the layers from the first one on that are the same in both networks. Raises
    ``ArtifactError`` where a model is missing or damaged, or shares no layer, and ``RecipeError``
    where one sees images of another size.
    """
    weights: Sequence[np.ndarray] = ()
    labels: tuple[str, ...] = ()
    taught_by = []
    origins = {}
    if recipe.warm_start == DLIB:
        weights = read_face_weights()
        origins["warm_start"] = {"package": fetch.PACKAGE, "sha256": fetch.SHA256}
    elif recipe.warm_start:
        model, contract = _load(recipe, "begins with the weights", recipe.warm_start)
        weights, whole = _first(model, recipe)
        labels = contract.labels if whole else ()
        origins["warm_start"] = _origin(recipe.warm_start, contract)
    for name, share in recipe.teachers:
        model, contract = _load(recipe, "learns from the model", name)
        its_own = _network(name, contract, model_path(name))
        taught_by.append((its_own, _fitting(model, its_own), share, contract.labels))
        origins[f"teacher {name}"] = _origin(name, contract)
    return Transfer(weights, taught_by, origins, labels)


def _expect_side(recipe: Recipe, path: Path, contract: ModelContract) -> None:
    if recipe.side != contract.height:
        raise RecipeError(
            f"size: expected that of {path}, {contract.height}, found {recipe.side}; take a recipe "
            "that builds on no other model, such as RECIPE=seed or RECIPE=own"
        )


def _network(name: str, contract: ModelContract, path: Path) -> Recipe:
    """A recipe with the network of the one that the model at ``path`` was trained by."""
    stored = contract.provenance.get("recipe")
    if not isinstance(stored, dict):
        raise ArtifactError(
            f"{path}: expected a model that 'make train' made, found one that was adopted, of "
            "another network than a recipe's; begin with another model"
        )
    return changed(Recipe(name), {key: stored[key] for key in _NETWORK if key in stored}, name)


def _load(recipe: Recipe, use: str, other: str) -> tuple[keras.Model, ModelContract]:
    try:
        model, contract = load_model(model_path(other))
    except ArtifactError as error:
        raise ArtifactError(
            f"recipe {recipe.name} {use} that 'make train RECIPE={other}' makes: {error}"
        ) from error
    _expect_side(recipe, model_path(other), contract)
    return model, contract


def _origin(name: str, contract: ModelContract) -> dict[str, Any]:
    seed = contract.provenance.get("seed")
    return {"recipe": name, "seed": seed, "graph_sha256": contract.graph_sha256}


def _first(model: keras.Model, recipe: Recipe) -> tuple[Sequence[np.ndarray], bool]:
    """Return the weights of the first layers that ``model`` shares with the network of ``recipe``.

    The second value says whether these are all.
    """
    weights, wanted = model.get_weights(), _shapes(recipe, model)
    pairs = zip(weights, wanted, strict=False)
    same = [*itertools.takewhile(lambda pair: pair[0].shape == pair[1], pairs)]
    if not same:
        raise ArtifactError(
            f"{model_path(recipe.warm_start)}: expected a network whose first layer is that of "
            f"recipe {recipe.name}, found another; begin with another model, or with random weights"
        )
    if len(same) < len(wanted):
        _log.info("%d of %d arrays of weights begin random", len(wanted) - len(same), len(wanted))
    return weights[: len(same)], len(same) == len(wanted)


def _fitting(model: keras.Model, recipe: Recipe) -> Sequence[np.ndarray]:
    """Return the weights of ``model``, which must have the network of ``recipe``, its own."""
    weights = list(model.get_weights())
    if [weight.shape for weight in weights] != _shapes(recipe, model):
        raise ArtifactError(
            f"{model_path(recipe.name)}: expected the network of recipe {recipe.name}, found "
            f"another; train it again with 'make train RECIPE={recipe.name}'"
        )
    return weights


def _shapes(recipe: Recipe, model: keras.Model) -> list[tuple[int, ...]]:
    """The shapes of the weights of ``recipe``'s network with as many outputs as ``model``."""
    return [tuple(weight.shape) for weight in build(recipe, model.output_shape[-1]).weights]
