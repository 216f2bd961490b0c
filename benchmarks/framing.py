"""What the derived framing is worth: from a whole frame to the label, by the runtime's own code.

Validation images stand in larger frames at several sizes and places. The detector finds them, and
every framing cuts its crop from the same detections, so that only the framing differs. Two bounds
stand beside them: the image itself, and the embedded image cut out exactly where it stands, which
says what sampling it twice costs. What a framing wider than the image shows is the background, not
the hair and shoulders of a true frame, so its figure holds for these backgrounds only.

Compare within a row: other rows are other faces, those that were found. A top-1 over 1,000 faces
is known to ±3 points (95 %).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness import Predictor
from edge.contract import Framing
from edge.crops import Square, crop_square, face_square
from edge.frames import Detector, Face, Image
from train.data import Split
from train.tables import markdown

SIDES = (96, 144, 200, 280)
"""Sides of the embedded image in pixels of the frame."""
ALL_SIDES = "all"
IMAGE, EXACT = "image itself", "exact square"
_WIDTH, _HEIGHT = 640, 360
_SAMPLE = 1000
_FEWEST = 100
_SEED = 0
_PLAIN = 127
_BLUR = 61
"""Side in pixels of the box that averages the repeated border, so that it has no hard streaks."""

Grey = NDArray[np.uint8]
Right = Mapping[str, NDArray[np.bool_]]
"""By framing: whether each face that was found was given its label, ``bool[found]``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image stands in its frame: left, top and side in whole pixels."""

    left: int
    top: int
    side: int

    def square(self) -> Square:
        """Return it as a square to be cropped."""
        half = self.side / 2
        return Square(self.left + half, self.top + half, self.side)

    def holds(self, face: Face) -> bool:
        """Whether the centre of the detection's box lies in the image."""
        x, y = face.box.centre
        across, down = x - self.left, y - self.top
        return 0 <= across < self.side and 0 <= down < self.side


def measure(
    classifier: Predictor, contract_framing: Framing, detector: Detector, split: Split
) -> dict[str, Any]:
    """Return the share of faces found, and top-1 among these by framing, ready for JSON.

    About 1,000 images of ``split``; a row for each background and side, and one over all sides.
    ``top1`` has ``None`` where no face was found.
    """
    chosen = sample(len(split.labels))
    images, labels = split.images[chosen], split.labels[chosen]
    framings = framings_beside(contract_framing)
    names = (IMAGE, EXACT, *framings)
    rows = []
    for background, surround in BACKGROUNDS.items():
        found = []
        for side in SIDES:
            crops = [
                crops_of(image, place, surround(image[..., 0], place), detector, framings)
                for image, place in zip(images, places(len(images), side), strict=True)
            ]
            found.append(_right(classifier, labels, crops, names))
            rows.append(_row(background, side, len(images), found[-1]))
        pooled = {name: np.concatenate([right[name] for right in found]) for name in names}
        rows.append(_row(background, ALL_SIDES, len(images) * len(SIDES), pooled))
    return {
        "detector": detector.name,
        "frame": {"width": _WIDTH, "height": _HEIGHT},
        "images": len(images),
        "framings": {name: asdict(framing) for name, framing in framings.items()},
        "rows": rows,
    }


def table(result: Mapping[str, Any]) -> str:
    """Return what ``measure`` found as a Markdown table in per cent.

    Fewer than ``_FEWEST`` faces say nothing of a share of them.
    """
    names = list(result["rows"][0]["top1"])
    rows = []
    for row in result["rows"]:
        faces = round(row["found"] * row["shown"])
        shares = [row["top1"][name] if faces >= _FEWEST else None for name in names]
        found = (f"{row['found']:.1%}", str(faces))
        rows.append((row["background"], str(row["side"]), *found, *map(_per_cent, shares)))
    return markdown(("background", "image in px", "found", "faces", *names), rows)


def sample(count: int) -> NDArray[np.int64]:
    """Indices of at most about 1,000 of ``count`` images, evenly spaced: of every class its part.

    A split is sorted by label, so that equal steps go through all classes.
    """
    return np.linspace(0, count - 1, min(count, _SAMPLE)).round().astype(np.int64)


def framings_beside(contract_framing: Framing) -> dict[str, Framing]:
    """Return what is compared, by its name in the table."""
    return {
        "bare box": Framing(),
        "derived": replace(contract_framing, rotate=False),
        "derived, eyes levelled": replace(contract_framing, rotate=True),
        "1.45 × box": Framing(scale=1.45),
    }


def places(count: int, side: int) -> list[Place]:
    """Return ``count`` places wholly inside the frame, the same at each call."""
    random = np.random.default_rng((_SEED, side))
    left = random.integers(0, _WIDTH - side, count, endpoint=True)
    top = random.integers(0, _HEIGHT - side, count, endpoint=True)
    return [Place(int(x), int(y), side) for x, y in zip(left, top, strict=True)]


def on_soft_border(grey: Grey, place: Place) -> Image:
    """``uint8[h, w]`` in a frame ``uint8[360, 640, 3]`` that carries on its border, blurred."""
    large = _enlarged(grey, place.side)
    right, below = _WIDTH - place.left - place.side, _HEIGHT - place.top - place.side
    wide = cv2.copyMakeBorder(
        large, place.top, below, place.left, right, borderType=cv2.BORDER_REPLICATE
    )
    blurred = cv2.blur(wide, (_BLUR, _BLUR), borderType=cv2.BORDER_REPLICATE)
    return _pasted(np.asarray(blurred, np.uint8), large, place)


def on_plain(grey: Grey, place: Place) -> Image:
    """``uint8[h, w]`` in an evenly grey frame ``uint8[360, 640, 3]``."""
    plain = np.full((_HEIGHT, _WIDTH), _PLAIN, np.uint8)
    return _pasted(plain, _enlarged(grey, place.side), place)


BACKGROUNDS: dict[str, Callable[[Grey, Place], Image]] = {
    "soft border": on_soft_border,
    "plain grey": on_plain,
}


def crops_of(
    image: Grey,
    place: Place,
    frame: Image,
    detector: Detector,
    framings: Mapping[str, Framing],
) -> dict[str, Grey]:
    """Return each framing's crop and the bounds, all as ``image`` (``uint8[h, w, 1]``), by name.

    Empty where the detector finds no face in the embedded image; of several, the best counts.
    """
    face = next((face for face in detector.detect(frame) if place.holds(face)), None)
    if face is None:
        return {}
    height, width = image.shape[:2]
    squares = {EXACT: place.square()}
    squares |= {name: face_square(face, framing) for name, framing in framings.items()}
    crops = {name: crop_square(frame, square, height, width) for name, square in squares.items()}
    return {IMAGE: image} | {name: crop[..., np.newaxis] for name, crop in crops.items()}


def _enlarged(grey: Grey, side: int) -> Grey:
    # Cubic, because linear interpolation would blur the face before it is sampled again.
    large = cv2.resize(grey, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


def _pasted(background: Grey, large: Grey, place: Place) -> Image:
    rows = slice(place.top, place.top + place.side)
    background[rows, place.left : place.left + place.side] = large
    return np.asarray(cv2.cvtColor(background, cv2.COLOR_GRAY2BGR), np.uint8)


def _right(
    classifier: Predictor,
    labels: NDArray[np.int64],
    crops: Sequence[Mapping[str, Grey]],
    names: Sequence[str],
) -> Right:
    """Classify the faces that were found; ``crops`` has an entry for each of ``labels``."""
    found = [index for index, own in enumerate(crops) if own]
    if not found:
        return {name: np.empty(0, bool) for name in names}
    return {
        name: classifier.classify(np.stack([crops[i][name] for i in found])).argmax(axis=1)
        == labels[found]
        for name in names
    }


def _row(background: str, side: int | str, shown: int, right: Right) -> dict[str, Any]:
    return {
        "background": background,
        "side": side,
        "shown": shown,
        "found": len(right[IMAGE]) / shown,
        "top1": {name: float(own.mean()) if own.size else None for name, own in right.items()},
    }


def _per_cent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
