"""What a few images give: our network from random weights, and from the deployed model's.

Small data sets of four kinds, five samples of each; both beginnings learn from the same sample.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.protocols import Detector
from train.data import Split, load_splits
from train.layout import TRAIN, VALIDATION
from train.recipe import Recipe
from train.recipes import DEPLOYED, OWN, model_path
from train.results import read_result, write_rows
from train.tables import markdown

RESULTS = Path("models/few.json")
SEEDS = 5
STARTS = ("own", "tuned")
"""The recipes that are compared."""
_EMOTIONS = {name: (name,) for name in ("happy", "sad", "surprise")}
_MOODS = {
    "calm": ("neutral",),
    "pleasant": ("happy",),
    "unpleasant": ("angry", "disgust", "fear", "sad"),
}
_EYES = ("closed", "open", "winking")
_POOL, _JUDGED = 300, 300
"""Drawn images of each class to sample from; images of each class to validate with."""


@dataclass(frozen=True, slots=True)
class Task:
    """``each`` images of each class of ``pool`` to learn from; ``validation`` judges."""

    name: str
    pool: Split
    validation: Split
    each: int


def tasks(images: Path) -> list[Task]:
    """Return the four; ``images`` is FER2013. Raises ``DatasetError``."""
    splits = load_splits(images)
    emotions, moods = (
        (grouped(splits[TRAIN], groups), sampled(grouped(splits[VALIDATION], groups), _JUDGED, 0))
        for groups in (_EMOTIONS, _MOODS)
    )
    eyes = drawn(TRAIN, _POOL, 0), drawn(VALIDATION, _JUDGED, 1)
    return [
        Task("happy, sad, surprise", *emotions, 50),
        Task("happy, sad, surprise", *emotions, 200),
        Task("moods: calm, pleasant, unpleasant", *moods, 50),
        Task("drawn eyes: closed, open, winking", *eyes, 50),
    ]


def run(
    images: Path,
    path: Path,
    detector: Detector,
    seeds: int = SEEDS,
    make: Callable[[Path], Sequence[Task]] = tasks,
    recipes: Mapping[str, Recipe] = OWN,
) -> Iterator[dict[str, Any]]:
    """Train what has no row in ``path`` yet, and yield its row; ``path`` is written after each.

    Rows of other recipes or of another deployed model are trained anew. Raises ``ArtifactError``,
    ``DatasetError`` and ``ReportError``.
    """
    import keras  # noqa: PLC0415 - the table needs no TensorFlow

    from train.training import train  # noqa: PLC0415
    from train.transfer import begin_with, load_transfer  # noqa: PLC0415

    chosen = {
        name: begin_with(recipe, model_path(DEPLOYED)) if recipe.warm_start else recipe
        for name, recipe in recipes.items()
        if name in STARTS
    }
    stored = {
        name: {"recipe": recipe.to_dict(), **load_transfer(recipe).origins}
        for name, recipe in chosen.items()
    }
    rows = [
        row
        for row in (read(path) if path.exists() else [])
        if stored.get(row["start"]) == row["trained"]
    ]
    done = {_key(row) for row in rows}
    for task in make(images):
        for seed in range(seeds):
            sample = sampled(task.pool, task.each, seed)
            for name, recipe in chosen.items():
                row = {"task": task.name, "each": task.each, "start": name, "seed": seed}
                if _key(row) in done:
                    continue
                keras.backend.clear_session()
                with tempfile.TemporaryDirectory() as folder:
                    place = Path(folder)
                    write_images(place, sample, task.validation)
                    report = train(recipe, seed, place, place / "m.h5", detector, quiet=True)
                figures = {key: report["validation"][key] for key in ("top1", "macro_f1")}
                origin = {key: report[key] for key in ("commit", "machine", "date", "minutes")}
                rows.append(row | figures | origin | {"trained": stored[name]})
                write_rows(path, rows)
                yield rows[-1]


def grouped(split: Split, groups: Mapping[str, Sequence[str]]) -> Split:
    """Return the images of ``split`` whose classes are in ``groups``, which name the new ones."""
    classes = tuple(sorted(groups))
    new = {old: classes.index(name) for name, olds in groups.items() for old in olds}
    labels = np.array([new.get(name, -1) for name in split.classes])[split.labels]
    kept = labels >= 0
    return replace(split.part(split.name, kept), labels=labels[kept], classes=classes)


def sampled(pool: Split, each: int, seed: int) -> Split:
    """Return ``each`` images of each class of ``pool``, by chance."""
    draw = np.random.default_rng(seed)
    chosen = np.zeros(len(pool.labels), bool)
    for label in range(len(pool.classes)):
        chosen[draw.permutation(np.flatnonzero(pool.labels == label))[:each]] = True
    return pool.part(pool.name, chosen)


def drawn(name: str, each: int, seed: int) -> Split:
    """Return drawn faces, sorted by how their eyes are; mouth, place, light and size vary."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(_EYES)), each)
    images = np.stack([_face(_EYES[label], draw) for label in labels])
    names = tuple(f"{name}/{_EYES[label]}/{i}.png" for i, label in enumerate(labels))
    return Split(name, images, labels, names, _EYES)


def _face(eyes: str, draw: np.random.Generator) -> NDArray[np.uint8]:
    light, dark = draw.integers(120, 250), draw.integers(0, 90)
    image = np.full((48, 48), draw.integers(60, 200), np.uint8)
    x, y, radius = draw.integers(20, 29), draw.integers(20, 29), int(draw.integers(14, 20))
    cv2.circle(image, (int(x), int(y)), radius, int(light), -1, cv2.LINE_AA)
    winks = draw.integers(2)
    for side in (0, 1):
        place = int(x + (2 * side - 1) * radius * 0.42), int(y - radius * 0.25)
        closed = eyes == "closed" or (eyes == "winking" and side == winks)
        size = (3, 0) if closed else (2, 3)
        cv2.ellipse(image, place, size, 0, 0, 360, int(dark), 1 if closed else -1, cv2.LINE_AA)
    mouth = int(x), int(y + radius * draw.uniform(0.3, 0.5))
    bend = int(draw.integers(0, 5)), int(draw.choice([0, 180]))
    cv2.ellipse(image, mouth, (radius // 2, bend[0]), bend[1], 0, 180, int(dark), 1, cv2.LINE_AA)
    noisy = image + draw.normal(0, draw.uniform(0, 12), image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[..., None]


def write_images(folder: Path, *splits: Split) -> None:
    """Write ``splits`` below ``folder``, as a data set has them."""
    for split in splits:
        for i, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            target = folder / split.name / split.classes[label]
            target.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target / f"{i:05}.png"), image)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("task", "each", "start", "seed"))


def read(path: Path) -> list[dict[str, Any]]:
    """Read the rows at ``path``; raises ``ReportError``."""
    return list(read_result(path, "few", table))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a Markdown table with a line that says how it was made."""
    found: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
    for row in rows:
        starts = found.setdefault((row["task"], row["each"]), {name: {} for name in STARTS})
        starts[row["start"]][row["seed"]] = 100 * row["top1"]
    cells = []
    for (name, each), starts in found.items():
        random, ours = (starts[start] for start in STARTS)
        both = [ours[seed] - random[seed] for seed in sorted(ours.keys() & random.keys())]
        parts = list(random.values()), list(ours.values()), both
        cells.append((name, str(each), *map(_interval, parts)))
    last = rows[-1]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    columns = ("classes", "images of each", "random weights", "FROM ours", "difference, points")
    minutes = {
        name: np.mean([row["minutes"] for row in rows if row["start"] == name] or [0])
        for name in STARTS
    }
    return (
        f"{markdown(columns, cells)}\n\nTop-1 in percent: mean of {len({r['seed'] for r in rows})} "
        "samples, each with its own seed, and the 95 % interval of the mean (Student's t), on the "
        "same 300 images of each class. A "
        f"training took {minutes['own']:.1f} minutes from random weights and "
        f"{minutes['tuned']:.1f} from ours. Written by `python -m train few` on {machines} (last "
        f"row: commit {last['commit']}, {last['date']})."
    )


def _interval(values: Sequence[float]) -> str:
    """Mean and half the width of its 95 % interval; the mean alone of a single value."""
    from scipy.stats import t  # noqa: PLC0415 - slow to load

    if len(values) < 2:
        return f"{np.mean(values):.1f}" if values else "–"
    reach = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.1f} ± {reach:.1f}"
