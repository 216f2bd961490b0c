"""What each ingredient of the recipe gives: short trainings that differ in one thing.

A short training favours weak regularisation, so the table says what an ingredient costs early as
much as what it gives; the long runs decide.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.files import write_text
from train import precision, provenance
from train.data import Split, fingerprint, load_split
from train.examples import plain_examples, training_examples
from train.fit import Run, fit
from train.ingredients import read
from train.lineage import Lineage, find_lineage
from train.metrics import measure, voted_labels
from train.model import multiply_accumulates, predict_logits
from train.recipes import RECIPES, Augmentation, Recipe, completed

BASE = dataclasses.replace(RECIPES["teacher"], name="study", epochs=8)
"""Where the search began: the recipe ``teacher`` in 8 epochs. What it led to are the others."""
_GENTLE = Augmentation(blur=0, noise=0, erase=0, contrast=0, brightness=0)
_TAUGHT = {"teachers": (("teacher", 0.4), ("base", 0.4))}
INGREDIENTS: dict[str, dict[str, Any]] = {
    "the base": {},
    "without augmentation": {"augmentation": None},
    "moved and mirrored alone": {"augmentation": _GENTLE},
    "half of the target from FER+ votes": {"votes": 0.5},
    "all of the target from FER+ votes": {"votes": 1.0},
    "without more of the small class": {"least_per_class": 0},
    "without label smoothing": {"label_smoothing": 0.0},
    "without dropout": {"dropout": 0.0},
    "without weight decay": {"weight_decay": 0.0},
    "dense layer without normalisation": {"normalise_dense": False},
    "half of the images mixed with another": {"mixup": 0.5},
    "half the learning rate": {"learning_rate": 1e-3},
    "half as wide": {"sets": ((16,), (32, 32), (64, 64))},
    "one convolution a set": {"sets": ((32,), (64,), (128,))},
    "a third convolution in the last set": {"sets": ((32,), (64, 64), (128, 128, 128))},
    "begins with the model teacher": {"start": "teacher"},
    "16 / 32, 32 / 80, 80, 80, 80 filters": {"sets": ((16,), (32, 32), (80, 80, 80, 80))},
    "seven tenths of the target from the model teacher": {"teachers": (("teacher", 0.7),)},
    "four tenths each from the models teacher and base": _TAUGHT,
    "the same, half of the images mixed with another": _TAUGHT | {"mixup": 0.5},
}
"""What is changed in the base, by the name of the row."""


def run(
    images: Path,
    path: Path,
    seed: int = 0,
    base: Recipe = BASE,
    changes: Mapping[str, Mapping[str, Any]] = INGREDIENTS,
) -> Iterator[Mapping[str, Any]]:
    """Train each of ``changes`` to ``base`` of which ``path`` has no row; yield it when done.

    Rows of other recipes, seeds, data or models to begin with or to learn from are dropped.
    ``path`` is written after every row, so that an interrupted study goes on. Raises
    ``ArtifactError``, ``DatasetError`` and ``ReportError``.
    """
    splits = [load_split(images, name) for name in ("train", "validation")]
    data = fingerprint(*splits)
    recipes = {name: dataclasses.replace(base, **change) for name, change in changes.items()}
    lineages = {name: find_lineage(recipe) for name, recipe in recipes.items()}
    voted = voted_labels(splits[1].images)
    wanted: list[dict[str, Any]] = [
        {"ingredient": name, "seed": seed, "recipe": recipe.to_dict(), "data": data}
        | {"origins": dict(lineages[name].origins)}
        for name, recipe in recipes.items()
    ]
    rows = [
        row
        for row in (read(path) if path.exists() else [])
        if {key: row[key] for key in wanted[0]} | {"recipe": completed(row["recipe"])} in wanted
    ]
    done = {row["ingredient"] for row in rows}
    for row in wanted:
        name = row["ingredient"]
        if name in done:
            continue
        rows.append(row | _trained(recipes[name], lineages[name], seed, splits, voted))
        ordered = sorted(rows, key=lambda row: list(changes).index(row["ingredient"]))
        write_text(path, json.dumps(ordered, indent=1) + "\n")
        yield rows[-1]


def _trained(
    recipe: Recipe,
    lineage: Lineage,
    seed: int,
    splits: Sequence[Split],
    voted: NDArray[np.int64],
) -> dict[str, Any]:
    train, validation = splits
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.npz"
        policy = precision.fastest()
        short = Run(recipe, seed, policy, state, lineage.weights, lineage.teachers(policy))
        examples = training_examples(train, recipe), plain_examples(validation)
        model, history = fit(short, *examples, quiet=True)
    predicted = predict_logits(model, validation.images).argmax(axis=1)
    figures = measure(predicted, validation, train, voted)
    return {
        **provenance.origin(),
        "epochs": recipe.epochs,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "multiply_accumulates": multiply_accumulates(model),
        "loss": history["loss"][-1],
        "top1": figures["validation"]["top1"],
        "top1_votes": figures["validation_votes"].get("top1"),
        "macro_f1": figures["validation"]["macro_f1"],
    }
