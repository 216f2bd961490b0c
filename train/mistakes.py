"""A picture of what a model is most sure of and wrong about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.data import Split
from train.metrics import surest
from train.report import beside, save_figure

MOST = 40
_COLUMNS = 8
_LONGEST = 16
"""Characters of a class name, which share the width of an image."""


def write_mistakes(stem: Path, split: Split, probabilities: NDArray[np.floating]) -> None:
    """Write ``<stem>_mistakes.png``, whole or not at all. It shows images of the data set."""
    save_figure(mistakes_figure(split, probabilities), beside(stem, "mistakes.png"))


def worst(split: Split, probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return which images have the most probable wrong answers, the surest first, at most ``MOST``.

    ``probabilities`` is ``float[n, k]``, calibrated.
    """
    return surest(probabilities, probabilities.argmax(axis=1) != split.labels, MOST)


def mistakes_figure(split: Split, probabilities: NDArray[np.floating]) -> Figure:
    """Draw the ``worst`` images, each with "true → said 0.93" in the names of their classes."""
    chosen = worst(split, probabilities)
    count = int((probabilities.argmax(axis=1) != split.labels).sum())
    rows = max(-(-len(chosen) // _COLUMNS), 1)
    figure = Figure(figsize=(11, 0.6 + 1.75 * rows), layout="constrained")
    figure.suptitle(
        f"{count:,} of {len(split.labels):,} {split.name} images are wrong"
        + ("; the most confident: true → said" if count else "")
    )
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, place in zip(panels, chosen, strict=False):
        axes.imshow(split.images[place, ..., 0], cmap="gray", vmin=0, vmax=255)
        said = int(probabilities[place].argmax())
        true, named = (_short(split.classes[i]) for i in (split.labels[place], said))
        text = f"{true} →\n{named} {probabilities[place, said]:.2f}"
        axes.set_title(text, fontsize=8, parse_math=False)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
