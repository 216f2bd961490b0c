"""The networks that a recipe can name: what becomes of pixels before the logits.

A new one is a function and a name in ``NETWORKS``. It takes raw grey pixels ``[n, side, side, 1]``
in 0…255, what the recipe says about it, and the layers to build it of; it returns the features
``[n, m]``. Layers that convert well to int8 are those of ``Layers``, and sums of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras

from train.errors import RecipeError
from train.recipe import Recipe
from train.recipe_file import did_you_mean
from train.residual import features

_PIXEL_MAX = 255


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of one ``precision``, a Keras dtype policy, with ``normalise`` behind each kernel.

    ``pools_first`` has max pooling before ReLU: it commutes, and ReLU sees a quarter of the values.
    """

    precision: str
    normalise: Callable[..., keras.layers.Layer]
    pools_first: bool = False

    def rescaled(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Return ``pixels`` in 0…1."""
        return keras.layers.Rescaling(1 / _PIXEL_MAX, dtype=self.precision)(pixels)

    def convolve(self, x: keras.KerasTensor, filters: int, size: int = 3) -> keras.KerasTensor:
        """Convolution and batch normalisation; sides stay what they are."""
        x = keras.layers.Conv2D(
            filters, size, padding="same", use_bias=False, dtype=self.precision
        )(x)  # fmt: skip
        return self.normalise(dtype=self.precision)(x)

    def convolve_depthwise(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """The same for each channel alone."""
        x = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, dtype=self.precision
        )(x)  # fmt: skip
        return self.normalise(dtype=self.precision)(x)

    def activate(self, x: keras.KerasTensor, pool: bool = False) -> keras.KerasTensor:
        """ReLU, and where asked for max pooling to half of the sides."""
        if pool and self.pools_first:
            x = self._pool(x)
        x = keras.layers.ReLU(dtype=self.precision)(x)
        return self._pool(x) if pool and not self.pools_first else x

    def flatten(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return all values of an image as features."""
        return keras.layers.Flatten(dtype=self.precision)(x)

    def _pool(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.MaxPooling2D(dtype=self.precision)(x)


def plain(pixels: keras.KerasTensor, recipe: Recipe, layers: Layers) -> keras.KerasTensor:
    """3×3 convolutions; max pooling closes each of the recipe's ``sets``."""
    x = layers.rescaled(pixels)
    for filters, closes_set in recipe.convolutions():
        x = layers.activate(layers.convolve(x, filters), closes_set)
    return layers.flatten(x)


def separable(pixels: keras.KerasTensor, recipe: Recipe, layers: Layers) -> keras.KerasTensor:
    """The same, all but the first depthwise separable (Howard et al. 2017, arXiv 1704.04861).

    Some eight times fewer multiplications, which a processor does less fast.
    """
    x = layers.rescaled(pixels)
    for place, (filters, closes_set) in enumerate(recipe.convolutions()):
        if place:
            x = layers.activate(layers.convolve_depthwise(x))
        x = layers.activate(layers.convolve(x, filters, 1 if place else 3), closes_set)
    return layers.flatten(x)


def residual(pixels: keras.KerasTensor, recipe: Recipe, layers: Layers) -> keras.KerasTensor:
    """What the recipe says in ``residual`` (He et al. 2015, arXiv 1512.03385)."""
    if recipe.residual is None:
        raise RecipeError(
            f"recipe {recipe.name}: expected a table residual for the network residual, found none"
        )
    return features(pixels, recipe.residual, layers.precision, layers.normalise)


NETWORKS: Mapping[str, Callable[[keras.KerasTensor, Recipe, Layers], keras.KerasTensor]] = {
    "plain": plain,
    "separable": separable,
    "residual": residual,
}


def find_network(
    recipe: Recipe,
) -> Callable[[keras.KerasTensor, Recipe, Layers], keras.KerasTensor]:
    """Return the function that makes the network of ``recipe``; raises ``RecipeError``."""
    name = recipe.network or ("residual" if recipe.residual else "plain")
    try:
        return NETWORKS[name]
    except KeyError:
        raise RecipeError(
            f"recipe {recipe.name}: expected one of {', '.join(NETWORKS)} as network, found "
            f"{name!r}{did_you_mean(name, NETWORKS)}"
        ) from None
