"""Recipes: everything that defines a training run, as data.

A run is a function of (recipe, data fingerprint, seed). A new recipe is a new value here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from train.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train. Defaults are what ``seed`` uses."""

    name: str
    """What ``make train RECIPE=…`` takes."""
    widths: tuple[int, ...] = (64, 128, 256)
    """Filters of each set of Conv2D + BatchNormalization + ReLU + MaxPooling."""
    dense: tuple[int, ...] = (256, 128, 64)
    """Units of the Dense layers with ReLU before the softmax."""
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-4
    """Of Adam (Kingma and Ba 2014, arXiv 1412.6980)."""
    plateau_factor: float = 0.5
    """ReduceLROnPlateau multiplies the learning rate by this …"""
    plateau_patience: int = 3
    """… after so many epochs without a lower validation loss."""
    uncertain_below: float = 0.4
    """Calibrated top probability under which the runtime gives no label."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


RECIPES = {recipe.name: recipe for recipe in (Recipe("seed"),)}


def find_recipe(name: str) -> Recipe:
    """Return the recipe called ``name``; raises ``RecipeError``."""
    try:
        return RECIPES[name]
    except KeyError:
        raise RecipeError(
            f"recipe: expected one of {', '.join(RECIPES)}, found {name!r}; "
            "give one of these as RECIPE=…"
        ) from None
