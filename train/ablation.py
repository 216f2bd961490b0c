"""What each part of the recipe gives: short trainings that differ in one thing (an ablation).

A short training favours weak regularisation, so the table says what a part costs early as much as
what it gives; the long runs decide.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.protocols import Detector
from train.recipe import Augmentation, Recipe
from train.recipes import RECIPES
from train.results import read_result, write_rows
from train.tables import markdown

RESULTS = Path("models/ablation.json")
BASE = dataclasses.replace(
    RECIPES["base"],
    name="ablation",
    sets=((32,), (64, 64), (128, 128)),
    dropout=0.3,
    epochs=8,
    augmentation=Augmentation(),
    label_smoothing=0.1,
)
"""Where the search began. What it led to are the recipes."""
_GENTLE = Augmentation(blur=0, noise=0, erase=0, contrast=0, brightness=0)
CHANGES: dict[str, dict[str, Any]] = {
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
    "16 / 32, 32 / 80, 80, 80, 80 filters": {"sets": ((16,), (32, 32), (80, 80, 80, 80))},
}
"""What is changed in the base, by the name of the row."""


def run(
    images: Path,
    path: Path,
    detector: Detector,
    seed: int = 0,
    base: Recipe = BASE,
    changes: Mapping[str, Mapping[str, Any]] = CHANGES,
) -> Iterator[dict[str, Any]]:
    """Train each of ``changes`` to ``base`` of which ``path`` has no row; yield it when done.

    ``path`` is written after every row, so that an interrupted run goes on; rows of another recipe
    or seed are trained anew. Raises ``ArtifactError``, ``DatasetError`` and ``ReportError``.
    """
    from train.training import train  # noqa: PLC0415 - the table needs no TensorFlow

    recipes = {name: dataclasses.replace(base, **change) for name, change in changes.items()}
    rows = {
        row["changed"]: row
        for row in (read(path) if path.exists() else [])
        if row["seed"] == seed
        and row["changed"] in recipes
        and row["recipe"] == recipes[row["changed"]].to_dict()
    }
    for name in [name for name in recipes if name not in rows]:
        with tempfile.TemporaryDirectory() as folder:
            report = train(recipes[name], seed, images, Path(folder) / "m.h5", detector, quiet=True)
        rows[name] = _row(name, report)
        write_rows(path, (rows[name] for name in recipes if name in rows))
        yield rows[name]


def _row(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    origins = [key for key in report if key == "warm_start" or key.startswith("teacher ")]
    kept = ("recipe", "seed", "data", *origins, "commit", "machine", "date", "minutes")
    return {
        "changed": name,
        **{key: report[key] for key in (*kept, "multiply_accumulates")},
        "loss": report["history"]["loss"][-1],
        "top1": report["validation"]["top1"],
        "top1_votes": report["validation_votes"].get("top1"),
        "macro_f1": report["validation"]["macro_f1"],
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Read the rows at ``path``; raises ``ReportError``."""
    return list(read_result(path, "ablation", table))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table with a line that says how it was made."""
    text = markdown(
        (
            *("changed", "epochs", "minutes", "M multiply-accumulates", "training loss"),
            *("top-1", "FER+ top-1", "macro-F1"),
        ),
        map(_cells, rows),
    )
    last = rows[-1]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    return (
        f"{text}\n\nWritten by `python -m train ablation` on {machines} (last row: commit "
        f"{last['commit']}, {last['date']}), seed {last['seed']}, the h5 in float32. One seed: "
        "differences below a point mean little. The losses of different targets don't compare, nor "
        "do the minutes of different machines."
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    votes = row["top1_votes"]
    return (
        *(row["changed"], str(row["recipe"]["epochs"]), f"{row['minutes']:.0f}"),
        *(f"{row['multiply_accumulates'] / 1e6:.0f}", f"{row['loss']:.3f}"),
        *(f"{row['top1']:.1%}", "–" if votes is None else f"{votes:.1%}"),
        f"{row['macro_f1']:.3f}",
    )
