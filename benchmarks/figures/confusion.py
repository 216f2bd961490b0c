"""What is taken for what, by the h5 and by the deployed file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.marks import Row

_SIDE = 4.6
"""Inches of a panel."""


def confusion_figure(rows: Sequence[Row]) -> Figure:
    """Draw the confusion matrix of each of ``rows`` in a panel: per cent of the label, and counts.

    Rows of a matrix are the true labels.
    """
    figure = Figure(figsize=(_SIDE * len(rows), _SIDE + 0.4), layout="constrained")
    panels = figure.subplots(1, len(rows), squeeze=False)[0]
    for axes, row in zip(panels, rows, strict=True):
        accuracy = row["accuracy"]
        labels = list(accuracy["per_class"])
        _matrix(axes, np.array(accuracy["confusion_matrix"]))
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.set(title=f"{row['name']}, top-1 {accuracy['top1']:.1%}", xlabel="answer")
    panels[0].set_ylabel("label")
    return figure


def _matrix(axes: Axes, counts: np.ndarray) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        share = shares[row, column]
        look: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "color": "white" if share > 0.5 else "black",
        }
        weight = "bold" if row == column else "normal"
        axes.text(column, row - 0.14, f"{share:.0%}", fontsize=9, fontweight=weight, **look)
        axes.text(column, row + 0.25, str(counts[row, column]), fontsize=7.5, **look)
