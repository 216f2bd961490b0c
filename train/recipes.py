"""Recipes: everything that defines a training run, as data.

A run is a function of (recipe, data fingerprint, seed). A new recipe is a new value here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Plateau:
    """ReduceLROnPlateau: a lower learning rate when the validation loss no longer falls."""

    factor: float = 0.5
    """What multiplies the learning rate …"""
    patience: int = 3
    """… after so many epochs without a lower validation loss."""


@dataclass(frozen=True, slots=True)
class Cosine:
    """A linear rise, then half a cosine down to zero (Loshchilov and Hutter 2016, 1608.03983)."""

    warmup_epochs: float = 2
    """How long the learning rate rises."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random changes to each training image; the ranges are symmetric around no change."""

    rotation: float = 12
    """Head roll in degrees, either way."""
    scale: float = 0.12
    """Logarithm of the enlargement, up or down."""
    shift: float = 0.1
    """Of the image's side, in x and in y."""
    contrast: float = 0.4
    """Logarithm of the contrast's factor."""
    brightness: float = 35
    """In grey values."""
    blur: float = 0.3
    """Share of the images that are blurred, by up to about one pixel's standard deviation."""
    noise: float = 8
    """Greatest standard deviation of the noise, in grey values; half of the images have some."""
    jpeg: float = 0.0
    """Share of the images that are compressed as JPEG, as a poor stream's frames are."""
    erase: float = 0.3
    """Share of the images with a random grey rectangle (Zhong et al. 2017, arXiv 1708.04896)."""


@dataclass(frozen=True, slots=True)
class Residual:
    """A residual network (He et al. 2015, arXiv 1512.03385)."""

    stages: tuple[tuple[int, int], ...]
    """Filters and number of blocks of two convolutions each. A stage begins with half the sides,
    but for the first one of dlib's network."""
    stem: int = 32
    """Filters of the first convolution."""
    side: int = 48
    """Pixels to which the image is enlarged before that one."""
    dlib: bool = False
    """Whether it begins and halves as dlib's face recognition network does."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train. Defaults are what ``seed`` uses."""

    name: str
    """What ``make train RECIPE=…`` takes."""
    sets: tuple[tuple[int, ...], ...] = ((64,), (128,), (256,))
    """Filters of each Conv2D + BatchNormalization + ReLU, by set; MaxPooling closes a set."""
    dense: tuple[int, ...] = (256, 128, 64)
    """Units of the Dense layers with ReLU before the softmax."""
    normalise_dense: bool = False
    """Whether BatchNormalization stands between these and their ReLU."""
    dropout: float = 0.0
    """Share of these layers' outputs that training leaves out."""
    warm_start: str = ""
    """The recipe whose model gives the first weights, or ``DLIB``; random ones without a name."""
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 1e-4
    """Of Adam (Kingma and Ba 2014, arXiv 1412.6980); the peak, where it rises first."""
    weight_decay: float = 0.0
    """Decoupled (Loshchilov and Hutter 2017, arXiv 1711.05101), of kernels only."""
    schedule: Plateau | Cosine = Plateau()
    augmentation: Augmentation | None = None
    mixup: float = 0.0
    """Share of the images that are mixed with another one each, as are their targets (Zhang et al.
    2017, arXiv 1710.09412); teachers are asked about the mixed image."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes."""
    votes: float = 0.0
    """Share of the FER+ taggers' votes in the target; the rest is the FER2013 label."""
    teachers: tuple[tuple[str, float], ...] = ()
    """The recipes whose models' probabilities are mixed into the target, each with its share
    (distillation: Hinton et al. 2015, arXiv 1503.02531); label and votes keep theirs of the rest.
    They are asked about each image as it is changed for the network, every time (Beyer et al. 2021,
    arXiv 2106.05237)."""
    least_per_class: int = 0
    """Images of a smaller class are shown again until an epoch has so many."""
    residual: Residual | None = None
    """The network between pixels and logits, where it is none of ``sets`` and ``dense``."""
    head_rate: float = 1.0
    """How many times faster the layer of the logits learns."""
    average: float = 0.0
    """The weights at the end are an exponential average over the steps: what it keeps at each."""
    asks_mirrored: bool = False
    """Whether teachers answer with the mean of an image and its mirror image."""

    def convolutions(self) -> Iterator[tuple[int, bool]]:
        """Yield the filters of every convolution, and whether it closes its set."""
        for widths in self.sets:
            for index, width in enumerate(widths, 1):
                yield width, index == len(widths)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them.

        Those of ``_LATER`` are left out where they change nothing: older models are still of the
        recipe that they were trained with.
        """
        stored = dict(json.loads(json.dumps(dataclasses.asdict(self))))
        for field in dataclasses.fields(self):
            if field.name in _LATER and getattr(self, field.name) == field.default:
                del stored[field.name]
        return stored


_LATER = ("residual", "head_rate", "average", "asks_mirrored")
DLIB = "dlib"
"""A warm start with the weights of dlib's face recognition network."""
DEPLOYED = "final"
"""The recipe whose model the runtime uses."""
COMPARED = ("seed", "fer2013", DEPLOYED)
"""Recipes whose models are converted and stand in every table; the others' models, steps on the
way to these, are kept as they were trained."""
_TEACHER = Recipe(
    "teacher",
    sets=((32,), (64, 64), (128, 128)),
    dense=(128,),
    normalise_dense=True,
    dropout=0.3,
    epochs=45,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
    schedule=Cosine(),
    augmentation=Augmentation(),
    label_smoothing=0.1,
    least_per_class=1500,
)
"""Remembers less of its training images."""
_BASE = dataclasses.replace(
    _TEACHER,
    name="base",
    sets=((32,), (64, 64), (128, 128, 128)),
    dropout=0.2,
    epochs=70,
    augmentation=Augmentation(contrast=0.3, brightness=25, blur=0.2, noise=6, erase=0.2),
    label_smoothing=0.05,
)
"""Sees more than ``teacher``, and remembers labels by heart."""
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
_STUDENT = dataclasses.replace(
    _BASE,
    name="student",
    sets=((16,), (32, 32), (80, 80, 80, 80)),
    dense=(96,),
    teachers=(("teacher", 0.4), ("base", 0.4)),
    dropout=0.1,
    epochs=60,
    augmentation=Augmentation(),
    label_smoothing=0.0,
)
"""Less work than its teachers, the half of ``base``'s; both are asked about every changed image,
so that it learns what they see, and less by heart than ``base``."""
_FER2013 = dataclasses.replace(
    _STUDENT,
    name="fer2013",
    teachers=(("teacher", 0.28), ("base", 0.28), ("student", 0.28)),
    epochs=80,
)
"""The second generation: the mean of the three knows more than that of the two (Furlanello et al.
2018, born-again networks, arXiv 1805.04770)."""
_FINAL = dataclasses.replace(
    _FER2013,
    name=DEPLOYED,
    warm_start="fer2013",
    teachers=(("teacher", 0.25), ("base", 0.25), ("tagged", 0.4)),
    votes=0.5,
    epochs=30,
    learning_rate=5e-4,
    augmentation=Augmentation(jpeg=0.3),
)
"""Goes on with a teacher that knows the taggers' votes beside ``teacher`` and ``base``."""
RECIPES = {
    recipe.name: recipe
    for recipe in (Recipe("seed"), _TEACHER, _BASE, _TAGGED, _STUDENT, _FER2013, _FINAL)
}


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
)
"""The same, looking closer: errs on other images."""
_RESIDUAL = Recipe(
    "residual",
    sets=(),
    dense=(),
    residual=Residual(((64, 2), (128, 2), (256, 2))),
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
        _FACE_LARGE,
        dataclasses.replace(_FACE, name="face_tagged", votes=1.0, label_smoothing=0.0),
        _RESIDUAL,
        dataclasses.replace(
            _RESIDUAL,
            name="residual_tagged",
            warm_start="residual",
            epochs=30,
            votes=1.0,
            label_smoothing=0.0,
        ),
    )
}
"""What ``make teachers`` trains, in this order: each of the two kinds asked about FER2013's labels
and about the taggers' votes."""


def model_path(name: str) -> Path:
    """Return where the model of the recipe called ``name`` belongs: an ``.h5``."""
    return Path("models/Finalmodel.h5" if name == DEPLOYED else f"models/{name}/{name}.h5")


def find_recipe(name: str) -> Recipe:
    """Return the recipe called ``name``; raises ``RecipeError``."""
    try:
        return (RECIPES | TEACHERS)[name]
    except KeyError:
        raise RecipeError(
            f"recipe: expected one of {', '.join(RECIPES | TEACHERS)}, found {name!r}; "
            "give one of these as RECIPE=…"
        ) from None
