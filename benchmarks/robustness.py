"""How much of its accuracy a classifier keeps under what a camera does to its crops.

Each corruption is done to the crop, after the frame was sampled, so its strength is what remains
there: a face that is large in the frame is averaged down to the crop, which hides noise, blocks of
JPEG and grey levels that are missing; the rows show a face of about 48 pixels in the frame. The
idea of fixed corruptions at graded strengths is that of Hendrycks and Dietterich 2019,
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", arXiv 1903.12261.

Colour casts are left out. A cast weights the channels before they turn grey: skin, of one hue,
becomes lighter or darker as a whole, which the rows for low light show; but lips and brows change
against the skin, by what depends on their colours, and grey images no longer have these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.crops import Square, crop_square
from edge.frames import Floats
from train.data import Split
from train.tables import markdown

Crops = NDArray[np.uint8]
"""``uint8[n, h, w, 1]``, grey."""
NONE = "none"
_ENCODING = 1 / 2.2
"""Exponent from light to grey levels; sRGB's curve (IEC 61966-2-1) is close to it."""
_EDGE = cv2.BORDER_REPLICATE
_SEED = 0
_ERRORS = (-20, -10, 10, 20)
"""Errors of the framing in per cent of the square's side."""


class Predictor(Protocol):
    """What is measured; ``edge.classifier.TFLiteClassifier`` is one."""

    def classify(self, crops: Crops) -> Floats:
        """``uint8[n, h, w, 1]`` → probabilities ``float32[n, labels]``."""
        ...


@dataclass(frozen=True)
class Corruption:
    """One row: its name, its strength with the unit, and what it does.

    ``apply`` maps ``uint8[n, h, w, 1]`` to new images of that shape and leaves its input as it is;
    equal inputs give equal images, so that all classifiers see the same.
    """

    name: str
    strength: str
    apply: Callable[[Crops], Crops]


def measure(
    classifiers: Mapping[str, Predictor],
    split: Split,
    corruptions: Sequence[Corruption] | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each corruption (``CORRUPTIONS`` unless given), ready for JSON.

    ``top1`` is the share of ``split`` that each of ``classifiers`` gets right, by its name.
    """
    rows = []
    for corruption in CORRUPTIONS if corruptions is None else corruptions:
        images = corruption.apply(split.images)
        top1 = {
            name: float((classifier.classify(images).argmax(axis=1) == split.labels).mean())
            for name, classifier in classifiers.items()
        }
        rows.append({"corruption": corruption.name, "strength": corruption.strength, "top1": top1})
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what ``measure`` found as a Markdown table in per cent, undisturbed images first."""
    ordered = sorted(rows, key=lambda row: row["corruption"] != NONE)
    models = list(ordered[0]["top1"]) if ordered else []
    return markdown(
        ("corruption", "strength", *models),
        [
            (row["corruption"], row["strength"], *(f"{row['top1'][m]:.1%}" for m in models))
            for row in ordered
        ],
    )


def blurred(images: Crops, sigma: float) -> Crops:
    """Blur by a Gaussian of ``sigma`` pixels of the crop: out of focus, or far away."""
    return _each(images, lambda image: cv2.GaussianBlur(image, (0, 0), sigma, borderType=_EDGE))


def darkened(images: Crops, light: float) -> Crops:
    """Leave ``light`` (0…1) of the light, in whole grey levels as a dark frame has them.

    Grey levels are a power of the light, so that all are multiplied by one number. The noise that
    comes with little light is a row of its own.
    """
    return np.asarray(np.rint(images * np.float32(light**_ENCODING)), np.uint8)


def compressed(images: Crops, quality: int) -> Crops:
    """Encode as JPEG of ``quality`` (1…100), OpenCV's scale, and decode."""
    return _each(images, lambda image: _through_jpeg(image, quality))


def noisy(images: Crops, sigma: float) -> Crops:
    """Add Gaussian noise of ``sigma`` grey levels, the same at each call."""
    noise = np.random.default_rng(_SEED).standard_normal(images.shape, np.float32)
    return np.asarray(np.clip(np.rint(images + sigma * noise), 0, 255), np.uint8)


def rolled(images: Crops, degrees: float) -> Crops:
    """Roll every head by ``degrees``, neighbours in the split to opposite sides."""
    angles = np.radians(degrees) * np.where(np.arange(len(images)) % 2, -1, 1)
    return np.stack([_reframed(image, angle=a) for image, a in zip(images, angles, strict=True)])


def reframed(images: Crops, scale: float = 1.0, across: float = 0.0, down: float = 0.0) -> Crops:
    """Cut another square than the image's: ``scale`` times its side, moved by parts of that side.

    A larger square shows a smaller face; one moved ``across`` to the right and ``down`` shows it
    further left and up.
    """
    return np.stack([_reframed(image, scale, across, down) for image in images])


def _each(images: Crops, change: Callable[[Crops], Any]) -> Crops:
    """Map ``change`` (``uint8[h, w]`` → the same) over ``uint8[n, h, w, 1]``."""
    return np.stack([change(image[..., 0]) for image in images])[..., np.newaxis]


def _through_jpeg(image: Crops, quality: int) -> Any:
    _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


def _reframed(
    image: Crops, scale: float = 1.0, across: float = 0.0, down: float = 0.0, angle: float = 0.0
) -> Crops:
    """``uint8[h, w, 1]`` → the same, by the runtime's own sampling; ``angle`` in radians."""
    height, width = image.shape[:2]
    side = (height + width) / 2
    square = Square(width / 2 + across * side, height / 2 + down * side, side * scale, angle)
    bgr = np.repeat(image, 3, axis=2)
    return crop_square(bgr, square, height, width)[..., np.newaxis]


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
