"""What a training leaves beside the model: curves, confusion matrix, figures."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edge.files import replace_with, write_text

mpl.use("agg")
_DPI = 150
_NUMBERED = 12
"""Classes of a confusion matrix with numbers."""


def write_report(
    stem: Path, report: Mapping[str, Any], history: Mapping[str, Sequence[float]]
) -> None:
    """Write ``<stem>_{report.json,log.csv,loss.png,accuracy.png,confusion.png}``, each whole."""
    write_text(beside(stem, "report.json"), json.dumps(report, indent=1) + "\n")
    # Again: a run that was killed behind its last checkpoint has no epoch left to write it.
    write_csv(beside(stem, "log.csv"), history)
    for metric in ("loss", "accuracy"):
        save_figure(_curves(metric, history), beside(stem, f"{metric}.png"))
    matrix = np.array(report["validation"]["confusion_matrix"])
    names = list(report["validation"]["per_class"])
    save_figure(confusion_figure(matrix, names), beside(stem, "confusion.png"))


def write_csv(path: Path, history: Mapping[str, Sequence[float]]) -> None:
    """Write a line for each epoch of ``history``, which has a list for each column."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("epoch", *history))
    columns = zip(*history.values(), strict=True)
    writer.writerows((number, *values) for number, values in enumerate(columns, 1))
    write_text(path, text.getvalue())


def save_figure(figure: Figure, path: Path) -> None:
    """Write ``figure`` as PNG, whole or not at all."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A class may be named in letters that matplotlib's font lacks; it draws boxes for them.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(buffer, format="png", dpi=_DPI)
    with replace_with(path) as file:
        file.write(buffer.getvalue())


def confusion_figure(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw ``int[k, k]`` (rows: true labels ``names``) as counts and normalised by row.

    Many classes have colours alone: their numbers would cover each other.
    """
    side = max(5.0, 0.12 * len(names))
    figure = Figure(figsize=(2.2 * side, side), layout="constrained")
    text: Any = {"parse_math": False, "fontsize": 10 if len(names) <= _NUMBERED else 7}
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    panels = (("counts", matrix, "{:d}"), ("share of the true label", shares, "{:.2f}"))
    for axes, (title, values, pattern) in zip(figure.subplots(1, 2), panels, strict=True):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*matrix.shape) if len(names) <= _NUMBERED else ():
            colour = "white" if shares[row, column] > 0.5 else "black"
            value = pattern.format(values[row, column])
            axes.text(column, row, value, ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", **text)
        axes.set_yticks(range(len(names)), names, **text)
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


def beside(stem: Path, what: str) -> Path:
    """Return the path of ``what`` a training leaves: "models/seed/seed_report.json"."""
    return stem.with_name(f"{stem.name}_{what}")
