"""How much of its accuracy a classifier keeps under what a camera does to its crops.

Corruptions are applied to the crop, after the frame was sampled, at fixed strengths (the idea of
Hendrycks and Dietterich 2019, arXiv 1903.12261). Colour casts are left out: on grey images they are
the same factor for every pixel, as less light is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from edge.types import Floats
from edge.vision.crops import Square, crop_square

Crops = NDArray[np.uint8]
"""``uint8[n, h, w, 1]``, grey."""
Classify = Callable[[Crops], Floats]
"""Crops → probabilities ``float32[n, labels]``."""
NONE = "none"
_ENCODING = 1 / 2.2
"""Exponent from light to grey levels; sRGB's curve (IEC 61966-2-1) is close to it."""
_EDGE = cv2.BORDER_REPLICATE
_ERRORS = (-20, -10, 10, 20)
"""Errors of the framing in per cent of the square's side."""


class Robustness(Struct, frozen=True):
    """Top-1 of each model under one corruption."""

    corruption: str
    strength: str
    top1: dict[str, float]


@dataclass(frozen=True)
class Corruption:
    """Name, strength with unit, and a pure function of ``uint8[n, h, w, 1]`` to the same shape."""

    name: str
    strength: str
    apply: Callable[[Crops], Crops]


def measure(
    models: Mapping[str, Classify],
    images: Crops,
    judges: Mapping[str, NDArray[np.int64]],
    corruptions: Sequence[Corruption] = (),
) -> list[Robustness]:
    """Return top-1 of each of ``models`` under each of ``corruptions`` (``CORRUPTIONS``).

    ``judges`` says by the same names what is right, ``int64[n]``, -1 where an image doesn't count.
    """
    rows = []
    for corruption in corruptions or CORRUPTIONS:
        changed = corruption.apply(images)
        top1 = {name: top1_of(classify(changed), judges[name]) for name, classify in models.items()}
        rows.append(Robustness(corruption.name, corruption.strength, top1))
    return rows


def top1_of(probabilities: Floats, judges: NDArray[np.int64]) -> float:
    """Return the share that is right of the images that count."""
    right = probabilities.argmax(axis=1) == judges
    return round(float(right[judges >= 0].mean()), 6)


def blurred(images: Crops, sigma: float) -> Crops:
    """Blur by a Gaussian of ``sigma`` pixels of the crop: out of focus, or far away."""
    return _each(images, lambda image: cv2.GaussianBlur(image, (0, 0), sigma, borderType=_EDGE))


def darkened(images: Crops, light: float) -> Crops:
    """Leave ``light`` (0…1) of the light; grey levels are a power of it."""
    return np.asarray(np.rint(images * np.float32(light**_ENCODING)), np.uint8)


def compressed(images: Crops, quality: int) -> Crops:
    """Encode as JPEG of ``quality`` (1…100) and decode."""
    return _each(images, lambda image: _through_jpeg(image, quality))


def noisy(images: Crops, sigma: float) -> Crops:
    """Add Gaussian noise of ``sigma`` grey levels, the same at each call."""
    noise = np.random.default_rng(0).standard_normal(images.shape, np.float32)
    return np.asarray(np.clip(np.rint(images + sigma * noise), 0, 255), np.uint8)


def rolled(images: Crops, degrees: float) -> Crops:
    """Roll every head by ``degrees``, neighbours in the split to opposite sides."""
    angles = np.radians(degrees) * np.where(np.arange(len(images)) % 2, -1, 1)
    return np.stack([cut(image, angle=a) for image, a in zip(images, angles, strict=True)])


def reframed(images: Crops, scale: float = 1.0, across: float = 0.0, down: float = 0.0) -> Crops:
    """Cut a square of ``scale`` times the image's side, moved by parts of that side."""
    return np.stack([cut(image, scale, across, down) for image in images])


def _each(images: Crops, change: Callable[[Crops], Any]) -> Crops:
    """Map ``change`` (``uint8[h, w]`` → the same) over ``uint8[n, h, w, 1]``."""
    return np.stack([change(image[..., 0]) for image in images])[..., np.newaxis]


def _through_jpeg(image: Crops, quality: int) -> Any:
    _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def cut(
    image: Crops, scale: float = 1.0, across: float = 0.0, down: float = 0.0, angle: float = 0.0
) -> Crops:
    """``uint8[h, w, 1]`` → the same, by the runtime's own sampling; ``angle`` in radians."""
    height, width = image.shape[:2]
    side = (height + width) / 2
    square = Square(width / 2 + across * side, height / 2 + down * side, side * scale, angle)
    return crop_square(np.repeat(image, 3, axis=2), square, height, width)[..., np.newaxis]


def _framing_errors() -> Iterator[Corruption]:
    for name, percent, change in (
        *(("square resized", p, partial(reframed, scale=1 + p / 100)) for p in _ERRORS),
        *(("square moved across", p, partial(reframed, across=p / 100)) for p in _ERRORS),
        *(("square moved down", p, partial(reframed, down=p / 100)) for p in _ERRORS),
    ):
        yield Corruption(name, f"{percent:+} %".replace("-", "−"), change)


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption(NONE, "–", np.copy),
    *(Corruption("blur", f"σ {s} px", partial(blurred, sigma=s)) for s in (0.5, 1, 2)),
    *(
        Corruption("low light", f"1/{n} of the light", partial(darkened, light=1 / n))
        for n in (4, 16, 64)
    ),
    *(Corruption("JPEG", f"quality {q}", partial(compressed, quality=q)) for q in (50, 20, 10)),
    *(Corruption("noise", f"σ {s} of 255", partial(noisy, sigma=s)) for s in (5, 10, 20)),
    *(Corruption("head roll", f"±{d}°", partial(rolled, degrees=d)) for d in (10, 20, 30)),
    *_framing_errors(),
)
