"""Two trainings side by side, from their reports."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table

from edge.files import read_regular
from train import metrics
from train.errors import ReportError
from train.recipe import Recipe
from train.recipes import model_path
from train.report import beside

_MOST = 16 << 20
"""Bytes of a report: an epoch has a hundred."""

LEVEL = 0.05
"""Of McNemar's test."""
_DEFAULTS = json.loads(json.dumps(dataclasses.asdict(Recipe(""))))
"""What a stored recipe means that lacks a field."""


class ClassFigures(msgspec.Struct, frozen=True):
    """How good a model is at one class."""

    f1: float


class Validation(msgspec.Struct, frozen=True):
    """How good a model is; ``right`` is as ``pack`` returns it, empty in older reports."""

    images: int
    top1: float
    macro_f1: float
    per_class: dict[str, ClassFigures]
    right: str = ""


class Curves(msgspec.Struct, frozen=True):
    """A value for each epoch."""

    loss: list[float]
    val_loss: list[float]
    accuracy: list[float]
    val_accuracy: list[float]


class Run(msgspec.Struct, frozen=True):
    """What is compared of the report of a training; ``data`` is the fingerprint of its images."""

    recipe: dict[str, Any]
    seed: int
    data: str
    minutes: float
    parameters: int
    validation: Validation
    history: Curves

    def __str__(self) -> str:
        """For people: "final, seed 0"."""
        return f"{self.recipe.get('name', 'no name')}, seed {self.seed}"

    def right(self) -> NDArray[np.bool_]:
        """Return which validation images it names rightly, ``bool[images]``."""
        return metrics.unpack(self.validation.right, self.validation.images)


def read(named: str) -> Run:
    """Read a report: its path, that of the ``.h5`` beside it, or the name of its recipe.

    Raises ``ReportError``.
    """
    path = _report_path(named)
    try:
        run = msgspec.convert(json.loads(read_regular(path, _MOST)), Run)
        _check(run)
    except FileNotFoundError as error:
        raise ReportError(
            f"{path}: expected the report of a training, found no such file; name a recipe that "
            "was trained, its .h5 or its …_report.json"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(
            f"{path}: expected the report of a training, found: {error}; run 'make train' again"
        ) from error
    return run


def _report_path(named: str) -> Path:
    if named.endswith(".json"):
        return Path(named)
    recipe = Path(named).stem if named.endswith(".toml") else named
    return beside(model_path(recipe).with_suffix(""), "report.json")


def _check(run: Run) -> None:
    """Raise ``ValueError`` where what is there does not fit together."""
    curves = msgspec.structs.asdict(run.history).values()
    if not run.validation.per_class or len({len(curve) for curve in curves}) > 1:
        raise ValueError("no classes, or curves of different lengths")
    if run.validation.right:
        run.right()


def comparison(a: Run, b: Run) -> Group:
    """Return for a terminal what ``a`` and ``b`` reached, what differs, and what may be chance."""
    parts: list[RenderableType] = [f"A: {a}", f"B: {b}", _figures(a, b)]
    if not _same_classes(a, b):
        only = (", ".join(x.validation.per_class) for x in (a, b))
        parts.append("the classes differ, so that totals alone compare: {}; {}".format(*only))
    fields = _differing(a, b)
    parts.append(fields if fields.row_count else "the recipes and seeds are the same")
    return Group(*parts, mcnemar(a, b))


def mcnemar(a: Run, b: Run) -> str:
    """Return a sentence with McNemar's exact test (1947), or why there is none."""
    if a.data != b.data or a.validation.images != b.validation.images:
        return "they were judged on different images: McNemar's test needs the same"
    lacking = [name for name, run in (("A", a), ("B", b)) if not run.validation.right]
    if lacking:
        return (
            "McNemar's test needs which images were right, which older reports lack: train "
            f"{' and '.join(lacking)} again"
        )
    only_a, only_b, p = metrics.mcnemar(a.right(), b.right())
    better = "A" if only_a > only_b else "B"
    verdict = f"{better} is better" if p < LEVEL else "the difference may be chance"
    return (
        f"of {a.validation.images:,} images A alone has {only_a:,} right, B alone {only_b:,}: "
        f"{verdict} (McNemar's exact test, p = {p:.2g})"
    )


def comparison_figure(a: Run, b: Run) -> Figure:
    """Draw the curves of both, and the F1 of each class where the classes are the same."""
    same = _same_classes(a, b)
    figure = Figure(figsize=(11, 8 if same else 4.4), layout="constrained")
    figure.suptitle(f"A: {a}   ·   B: {b}", parse_math=False)
    panels: dict[str, Axes] = figure.subplot_mosaic(
        [["loss", "accuracy"], *([["F1", "F1"]] if same else [])]
    )
    for metric in ("loss", "accuracy"):
        _draw_curves(panels[metric], metric, a, b)
    if same:
        _draw_classes(panels["F1"], a, b)
    return figure


def _draw_curves(axes: Axes, metric: str, a: Run, b: Run) -> None:
    for name, run, colour in (("A", a, "C0"), ("B", b, "C1")):
        for key, what, style in ((metric, "training", "-"), (f"val_{metric}", "validation", "--")):
            values = getattr(run.history, key)
            label = f"{name}, {what}"
            axes.plot(range(1, len(values) + 1), values, style, color=colour, label=label)
    axes.set(xlabel="epoch", ylabel=metric, title=f"{metric.capitalize()} over the epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def _draw_classes(axes: Axes, a: Run, b: Run) -> None:
    names = list(a.validation.per_class)
    places = np.arange(len(names))
    for offset, name, run in ((-0.2, "A", a), (0.2, "B", b)):
        values = [run.validation.per_class[each].f1 for each in names]
        axes.bar(places + offset, values, 0.4, label=name)
    size = float(np.clip(300 / len(names), 5, 10))
    turned: dict[str, Any] = (
        {"rotation": 90} if len(names) > 20 else {"rotation": 45, "ha": "right"}
    )
    axes.set_xticks(places, names, **turned, fontsize=size, parse_math=False)
    axes.margins(x=0.01)
    axes.set(ylabel="F1", ylim=(0, 1), title="F1 of each class, validation split")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()


def _same_classes(a: Run, b: Run) -> bool:
    return list(a.validation.per_class) == list(b.validation.per_class)


def _figures(a: Run, b: Run) -> Table:
    table = _table("F1", "A", "B", "B − A")
    if _same_classes(a, b):
        for name, figures in a.validation.per_class.items():
            one, other = figures.f1, b.validation.per_class[name].f1
            table.add_row(name, f"{one:.3f}", f"{other:.3f}", f"{other - one:+.3f}")
        table.add_section()
    one, other = a.validation.macro_f1, b.validation.macro_f1
    table.add_row("macro-F1", f"{one:.3f}", f"{other:.3f}", f"{other - one:+.3f}")
    one, other = a.validation.top1, b.validation.top1
    table.add_row("top-1", f"{one:.2%}", f"{other:.2%}", f"{100 * (other - one):+.2f} points")
    for name, first, second in (
        ("validation images", a.validation.images, b.validation.images),
        ("parameters", a.parameters, b.parameters),
    ):
        table.add_row(name, f"{first:,}", f"{second:,}", f"{second - first:+,}")
    table.add_row(
        "minutes", f"{a.minutes:.1f}", f"{b.minutes:.1f}", f"{b.minutes - a.minutes:+.1f}"
    )
    return table


def _differing(a: Run, b: Run) -> Table:
    table = _table("recipe", "A", "B")
    one, other = (dict(_flat(_DEFAULTS | run.recipe)) | {"seed": run.seed} for run in (a, b))
    for name in dict.fromkeys((*one, *other)):
        values = one.get(name, "–"), other.get(name, "–")
        if values[0] != values[1]:
            table.add_row(name, *map(str, values))
    return table


def _flat(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif value not in (None, "", []):
            yield f"{before}{name}", value


def _table(*columns: str) -> Table:
    table = Table(*columns)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
