"""How far the probabilities can be trusted, and what not answering the doubtful is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.figures import marks
from edge.classifier import softmax
from edge.contract import ModelContract
from edge.frames import Floats
from train.data import Split
from train.metrics import BINS, expected_calibration_error, fitted_part, reliability
from train.tables import markdown

_THRESHOLDS = np.arange(0, 1, 0.02)
_LEAST_ANSWERED = 30
"""A curve ends where fewer images are answered: their accuracy would be noise."""
_STYLES = ("-", "--", ":", "-.")
_QUARTERS = (0, 0.25, 0.5, 0.75, 1)


class Classifier(Protocol):
    """What this needs of a classifier."""

    contract: ModelContract

    def logits(self, crops: NDArray[np.uint8]) -> Floats:
        """Raw grey pixels ``uint8[n, h, w, 1]`` → logits ``float32[n, labels]``."""
        ...


def measure(classifier: Classifier, split: Split) -> dict[str, Any]:
    """Return calibration and coverage of ``classifier``, ready for JSON.

    On the images of ``split`` that the temperature was not fitted on.
    """
    reported = ~fitted_part(len(split.labels))
    labels = split.labels[reported]
    logits = classifier.logits(split.images[reported])
    threshold = classifier.contract.uncertain_below
    result: dict[str, Any] = {
        "images": len(labels),
        "temperature": classifier.contract.temperature,
        "threshold": threshold,
    }
    for name, divisor in (("before", 1.0), ("after", classifier.contract.temperature)):
        probabilities = softmax(logits / np.float32(divisor))
        result[name] = {
            "calibration_error": expected_calibration_error(probabilities, labels),
            "reliability": reliability(probabilities, labels),
        }
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    result["coverage_curve"] = coverage_curve(confidence, right)
    answered = confidence >= threshold
    result["coverage"] = float(answered.mean())
    result["accuracy_answered"] = float(right[answered].mean()) if answered.any() else None
    return result


def coverage_curve(confidence: Floats, right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Share answered and accuracy of these, for each threshold (El-Yaniv and Wiener 2010)."""
    return [
        {
            "threshold": round(float(threshold), 2),
            "coverage": float(answered.mean()),
            "accuracy": float(right[answered].mean()),
        }
        for threshold in _THRESHOLDS
        if (answered := confidence >= threshold).sum() >= min(_LEAST_ANSWERED, len(right))
    ]


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return calibration and coverage of each model as a Markdown table."""
    return markdown(
        (
            *("model", "temperature", "ECE before", "ECE after"),
            *("answers (of all)", "right among these"),
        ),
        [(name, *_cells(row)) for name, row in rows.items()],
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    accuracy = row["accuracy_answered"]
    return (
        f"{row['temperature']:.2f}",
        *(f"{row[when]['calibration_error']:.1%}" for when in ("before", "after")),
        f"{row['coverage']:.1%}",
        "–" if accuracy is None else f"{accuracy:.1%}",
    )


def reliability_figure(rows: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw accuracy against confidence before and after temperature scaling, a panel a model."""
    figure = Figure(figsize=(3.6 * len(rows) + 0.6, 4.4), layout="constrained")
    panels = figure.subplots(1, len(rows), squeeze=False, sharey=True)[0]
    for axes, (name, row) in zip(panels, rows.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
        for when, marker, colour in (("before", "x", "#a05a2c"), ("after", "o", "#0b6e4f")):
            bins = [part for part in row[when]["reliability"] if part["images"] >= 10]
            points = [[part[key] for part in bins] for key in ("confidence", "accuracy")]
            label = f"{when}: ECE {row[when]['calibration_error']:.1%}"
            axes.plot(*points, marker=marker, color=colour, linewidth=1.2, label=label)
        axes.set(title=name, xlabel="confidence", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_xticks(_QUARTERS, [f"{part:g}" for part in _QUARTERS])
        axes.legend(loc="upper left", frameon=False, fontsize=8.5)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("accuracy")
    return figure


def coverage_figure(rows: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the accuracy of what is answered against its share; a ring marks the threshold."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    colours = marks.colours(rows)
    for index, (name, row) in enumerate(rows.items()):
        curve = row["coverage_curve"]
        places = [[100 * point[key] for point in curve] for key in ("coverage", "accuracy")]
        axes.plot(*places, _STYLES[index % len(_STYLES)], color=colours[name], label=name)
        if row["accuracy_answered"] is not None:
            here = (100 * row["coverage"], 100 * row["accuracy_answered"])
            axes.plot(*here, "o", markersize=9, markerfacecolor="none", color=colours[name])
    axes.set_xlabel("share of the faces that get a label, %")
    axes.set_ylabel("right among these, %")
    axes.set_title("Coverage and accuracy (ring: the contract's threshold)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def note(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the table was measured on, in a sentence."""
    first = rows[0]
    return (
        f"On {first['images']} validation images that the temperature was not fitted on, against "
        f"FER2013's labels; ECE: expected calibration error, {BINS} bins; a label is given from a "
        f"calibrated probability of {first['threshold']:g}."
    )
