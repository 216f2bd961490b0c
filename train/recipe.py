"""What a recipe can say: the network, its targets, and how it is trained."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    """How long the learning rate rises, at most half of the training."""


_SLIGHT: Mapping[str, float] = {
    "rotation": 3,
    "scale": 0.03,
    "shift": 0.03,
    "contrast": 0.1,
    "brightness": 8,
}
"""How far a view is moved and lit again when it is shown."""


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

    def asked(self) -> Augmentation:
        """Return what a teacher sees of it: moved and lit, for what is blurred misleads it."""
        return dataclasses.replace(self, blur=0, noise=0, jpeg=0, erase=0)

    def shown(self) -> Augmentation:
        """Return what is done to such a view when it is shown: the rest, and slight changes."""
        return dataclasses.replace(
            self, **{name: min(getattr(self, name), most) for name, most in _SLIGHT.items()}
        )


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
    side: int = 48
    """Pixels of a side of the images, to which others are resized."""
    network: str = ""
    """A name in ``train/networks.py``; without one "plain", or "residual" where that is said."""
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
    2017, arXiv 1710.09412)."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes."""
    votes: float = 0.0
    """Share of the FER+ taggers' votes in the target; the rest is the FER2013 label."""
    teachers: tuple[tuple[str, float], ...] = ()
    """The recipes whose models' probabilities are mixed into the target, each with its share
    (distillation: Hinton et al. 2015, arXiv 1503.02531); label and votes keep theirs of the rest.
    They need ``views``, about which they are asked (Beyer et al. 2021, arXiv 2106.05237)."""
    least_per_class: int = 0
    """Images of a smaller class are shown again until an epoch has so many."""
    residual: Residual | None = None
    """What the network "residual" is made of, in place of ``sets``."""
    head_rate: float = 1.0
    """How many times faster the layer of the logits learns."""
    average: float = 0.0
    """The weights at the end are an exponential average over the steps: what it keeps at each."""
    subset: float = 1.0
    """Share of the training images of each class that is learnt from, for a first impression."""
    views: int = 0
    """How many changed versions of each image there are, made once; the teachers are asked about
    each of them and its mirror image. 0: every step changes its images anew."""
    balance: float = 0.0
    """What is taken from each logit after the training: this share of the logarithm of how often
    its class is in the targets, so that rare classes are said more often (logit adjustment: Menon
    et al. 2020, arXiv 2007.07314)."""

    def __post_init__(self) -> None:
        """Raise ``RecipeError`` for a value that is out of range."""
        values = _numbers(dataclasses.astuple(self))
        if not all(math.isfinite(value) for value in values if isinstance(value, float)):
            raise RecipeError(f"recipe {self.name}: expected numbers, found NaN or infinity")
        widths = list(_numbers((self.sets, self.dense, self.residual and self.residual.stages)))
        if not all(1 <= width <= _WIDEST for width in widths):
            raise RecipeError(
                f"recipe {self.name}: expected layers from 1 to {_WIDEST} wide, found "
                f"{min(widths)} to {max(widths)}"
            )
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if not least <= value <= most:
                raise RecipeError(
                    f"recipe {self.name}: expected {name} from {least} to {most}, found {value}"
                )
        shares = [self.votes, sum(share for _, share in self.teachers)]
        if not all(0 <= share <= 1 for share in shares):
            raise RecipeError(
                f"recipe {self.name}: expected shares of votes and teachers from 0 to 1, found "
                f"{' and '.join(map(str, shares))}"
            )
        if self.teachers and not self.views:
            raise RecipeError(
                f"recipe {self.name}: expected views about which the teachers are asked, found "
                "none; set views to 8"
            )
        if self.side < 2 ** len(self.sets):
            raise RecipeError(
                f"recipe {self.name}: expected a side of {2 ** len(self.sets)} pixels or more, "
                f"since each of {len(self.sets)} sets halves it, found {self.side}"
            )

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


def _numbers(values: object) -> Iterator[float]:
    """Yield all numbers in nested tuples."""
    if isinstance(values, tuple):
        for value in values:
            yield from _numbers(value)
    elif isinstance(values, int | float):
        yield values


_WIDEST = 65_536
_RANGES = (
    ("side", 16, 512),
    ("epochs", 1, 100_000),
    ("batch_size", 1, 65_536),
    ("learning_rate", 0, 10),
    ("weight_decay", 0, 10),
    ("dropout", 0, 0.99),
    ("label_smoothing", 0, 0.99),
    ("mixup", 0, 1),
    ("average", 0, 0.99999),
    ("subset", 0, 1),
    ("views", 0, 1000),
    ("balance", 0, 1),
    ("least_per_class", 0, 1_000_000),
)
"""Field, least and greatest value."""
_LATER = ("side", "network", "residual", "head_rate", "average", "subset", "views", "balance")
