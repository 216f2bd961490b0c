"""Classifies patterns that no architecture can see differently, and prints records of them.

Called with the runtime's Python on both sides: smooth noise, drawn in whole numbers, meets labels
that the demo's two calm portraits never show.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from edge.settings import Settings
from edge.vision.classifier import load_classifier

_PATTERNS = 15
_CELLS = (4, 6, 8, 12)
"""Across and down a pattern; each divides the network's side of 48 pixels."""


def _pattern(generator: np.random.Generator, side: int, cells: int) -> NDArray[np.uint8]:
    """``uint8[side, side]``: noise at the corners of the cells, bilinear between them."""
    step = side // cells
    places = np.arange(side)[:, np.newaxis], step * np.arange(cells + 1)
    weights = np.maximum(0, step - np.abs(places[0] - places[1]))  # int[side, cells + 1]
    noise = generator.integers(0, 256, (cells + 1, cells + 1))
    return np.asarray(weights @ noise @ weights.T // step**2, np.uint8)


def main() -> None:
    """Print a line of JSON for each pattern, with the fields that are compared."""
    classifier = load_classifier(Settings().model_path, 1)
    side = classifier.contract.width
    generator = np.random.default_rng(0)
    for index, cells in enumerate(cells for cells in _CELLS for _ in range(_PATTERNS)):
        crop = _pattern(generator, side, cells)
        row = classifier.classify(crop[np.newaxis, :, :, np.newaxis])[0]
        probabilities = {
            label: round(float(p), 4) for label, p in zip(classifier.labels, row, strict=True)
        }
        face = {
            "box": [0, 0, side, side],
            "label": classifier.labels[int(row.argmax())],
            "probabilities": probabilities,
        }
        print(json.dumps({"frame": index, "faces": [face]}))


if __name__ == "__main__":
    main()
