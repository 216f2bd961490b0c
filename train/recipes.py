"""Recipes: everything that defines a training run, as data.

A run is a function of (recipe, data fingerprint, seed). A new recipe is a new value here.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from train.errors import RecipeError
from train.recipe import Augmentation, Cosine, Recipe, Residual
from train.recipe_file import did_you_mean, read_recipe

IMAGES = Path("images")
"""Where "make data" puts a data set."""
DLIB = "dlib"
"""A warm start with the weights of dlib's face recognition network."""
DEPLOYED = "final"
"""The recipe whose model the runtime uses."""
COMPARED = ("seed", "fer2013", DEPLOYED)
"""Recipes whose models are converted and stand in every table; the others' models, steps on the
way to these, are kept as they were trained."""
_BASE = Recipe(
    "base",
    sets=((32,), (64, 64), (128, 128, 128)),
    dense=(128,),
    normalise_dense=True,
    dropout=0.2,
    epochs=70,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
    schedule=Cosine(),
    augmentation=Augmentation(contrast=0.3, brightness=25, blur=0.2, noise=6, erase=0.2),
    label_smoothing=0.05,
    least_per_class=1500,
)
"""Sees much, and remembers labels by heart."""
_TAGGED = dataclasses.replace(
    _BASE,
    name="tagged",
    warm_start="base",
    votes=1.0,
    dropout=0.3,
    epochs=24,
    augmentation=Augmentation(jpeg=0.3),
    label_smoothing=0.0,
)
"""Knows what the taggers say."""
_VIEWED = Augmentation(
    rotation=6,
    scale=0.06,
    shift=0.05,
    contrast=0.3,
    brightness=25,
    blur=0.1,
    noise=3,
    jpeg=0.1,
    erase=0.1,
)
"""For views: half the usual movement, since ``face`` errs less there."""
_FER2013 = dataclasses.replace(
    _BASE,
    name="fer2013",
    sets=((32,), (64, 64), (128, 128, 128), (256,)),
    warm_start="base",
    teachers=(("face", 0.5), ("base", 0.5)),
    dropout=0.0,
    epochs=40,
    augmentation=_VIEWED,
    label_smoothing=0.0,
    views=8,
)
"""Begins with the convolutions of ``base`` and one more, and learns what it and ``face`` say
together about changed images, which nobody knows by heart. It is nearly as far from its teachers on
training as on validation images (0.053 and 0.059, KL): what limits it most is its size."""
_FINAL = dataclasses.replace(
    _FER2013,
    name=DEPLOYED,
    warm_start="fer2013",
    teachers=(("face", 0.15), ("base", 0.1), ("face_tagged", 0.5), ("tagged", 0.2)),
    votes=0.5,
    epochs=32,
    learning_rate=1e-3,
    augmentation=dataclasses.replace(_VIEWED, blur=0.2, noise=8, jpeg=0.2),
    balance=0.2,
)
"""Goes on with two more teachers, which know the taggers' votes."""
RECIPES = {recipe.name: recipe for recipe in (Recipe("seed"), _BASE, _TAGGED, _FER2013, _FINAL)}


_FACE = Recipe(
    "face",
    sets=(),
    dense=(),
    residual=Residual(((32, 3), (64, 4), (128, 3), (256, 3)), side=112, dlib=True),
    dropout=0.3,
    warm_start=DLIB,
    epochs=30,
    learning_rate=1e-3,
    head_rate=4,
    weight_decay=0.02,
    average=0.995,
    schedule=Cosine(warmup_epochs=0.2),
    augmentation=Augmentation(
        rotation=11, shift=0.08, contrast=0.3, brightness=25, blur=0, noise=0
    ),
    label_smoothing=0.1,
)
"""Knows faces before it sees an expression: dlib's network without its last block."""
_FACE_LARGE = dataclasses.replace(
    _FACE,
    name="face_large",
    residual=Residual(((32, 3), (64, 4), (128, 3), (256, 3)), side=128, dlib=True),
    mixup=0.5,
)
"""The same, looking closer, and at mixed images, which it can't remember: errs on other ones."""
_RESIDUAL = Recipe(
    "residual",
    sets=(),
    dense=(),
    residual=Residual(((64, 1), (128, 2), (256, 2))),
    dropout=0.3,
    epochs=70,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
    average=0.999,
    schedule=Cosine(),
    augmentation=Augmentation(contrast=0.3, brightness=25, blur=0.2, noise=6),
    mixup=0.5,
    label_smoothing=0.05,
    least_per_class=1500,
)
"""Another kind: it knows nothing but FER2013."""
TEACHERS = {
    recipe.name: recipe
    for recipe in (
        _FACE,
        dataclasses.replace(
            _FACE,
            name="face_tagged",
            warm_start="face",
            epochs=12,
            learning_rate=5e-4,
            votes=1.0,
            label_smoothing=0.0,
        ),
        _FACE_LARGE,
        _RESIDUAL,
        dataclasses.replace(
            _RESIDUAL,
            name="residual_tagged",
            warm_start="residual",
            epochs=20,
            votes=1.0,
            label_smoothing=0.0,
        ),
    )
}
"""What ``make teachers`` trains, in this order: each of the two kinds asked about FER2013's labels
and about the taggers' votes."""


_OWN = dataclasses.replace(
    _FER2013,
    name="own",
    sets=((16,), (32, 32), (80, 80, 80, 80)),
    dense=(96,),
    warm_start="",
    teachers=(),
    views=0,
    dropout=0.3,
    augmentation=Augmentation(jpeg=0.3),
    epochs=60,
    batch_size=32,
    learning_rate=1e-3,
    label_smoothing=0.1,
    least_per_class=0,
)
"""For classes of your own: a network of half the size, from random weights."""
_TUNED = dataclasses.replace(
    _OWN,
    name="tuned",
    sets=_FINAL.sets,
    dense=_FINAL.dense,
    warm_start=DEPLOYED,
    epochs=25,
    learning_rate=3e-4,
)
"""Goes on with the deployed model."""
OWN = {recipe.name: recipe for recipe in (_OWN, _TUNED)}
"""For images of the user's own, whatever they show."""


def model_path(name: str) -> Path:
    """Return where the model of the recipe called ``name`` belongs, an ``.h5``, or that path."""
    if name.endswith(".h5"):
        return Path(name)
    return Path("models/Finalmodel.h5" if name == DEPLOYED else f"models/{name}/{name}.h5")


def choose_recipe(named: str, start: Path | None, images: Path | None) -> str:
    """Return the recipe that is ``named``, else the usual one for a ``start`` or own ``images``."""
    if named:
        return named
    return "tuned" if start else "own" if images else DEPLOYED


def find_recipe(name: str) -> Recipe:
    """Return the recipe called ``name``, or that of a ``.toml``; raises ``RecipeError``."""
    if name.endswith(".toml"):
        return read_recipe(Path(name), find_recipe)
    known = RECIPES | TEACHERS | OWN
    try:
        return known[name]
    except KeyError:
        raise RecipeError(
            f"recipe: expected one of {', '.join(known)}, or a file that ends in .toml, found "
            f"{name!r}{did_you_mean(name, known)}"
        ) from None
