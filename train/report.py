"""What a training leaves beside the model: curves, confusion matrix, figures."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edge.files import replace_with, write_text
from train.data import LABELS

mpl.use("agg")
_DPI = 150


def write_report(
    stem: Path, report: Mapping[str, Any], history: Mapping[str, Sequence[float]]
) -> None:
    """Write ``<stem>_{report.json,loss.png,accuracy.png,confusion.png}``, each one whole."""
    write_text(_beside(stem, "report.json"), json.dumps(report, indent=1) + "\n")
    for metric in ("loss", "accuracy"):
        save_figure(_curves(metric, history), _beside(stem, f"{metric}.png"))
    matrix = np.array(report["validation"]["confusion_matrix"])
    save_figure(confusion_figure(matrix), _beside(stem, "confusion.png"))


def save_figure(figure: Figure, path: Path) -> None:
    """Write ``figure`` as PNG, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    with replace_with(path) as file:
        file.write(buffer.getvalue())


def confusion_figure(matrix: np.ndarray) -> Figure:
    """Draw ``int[k, k]`` (rows: true labels) as counts and normalised by row."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    panels = (("counts", matrix, "{:d}"), ("share of the true label", shares, "{:.2f}"))
    for axes, (title, values, pattern) in zip(figure.subplots(1, 2), panels, strict=True):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*matrix.shape):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = pattern.format(values[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(len(LABELS)), LABELS, rotation=45, ha="right")
        axes.set_yticks(range(len(LABELS)), LABELS)
        axes.set(title=f"Validation split: {title}", xlabel="predicted", ylabel="true")
    return figure


def _curves(metric: str, history: Mapping[str, Sequence[float]]) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(history[metric]) + 1)
    for key, name, style in ((metric, "training", "-"), (f"val_{metric}", "validation", "--")):
        axes.plot(epochs, history[key], style, marker=".", label=name)
    axes.set(xlabel="epoch", ylabel=metric, title=f"{metric.capitalize()} over the epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _beside(stem: Path, what: str) -> Path:
    return stem.with_name(f"{stem.name}_{what}")
