"""What is in a data set: counts, damage, duplicates and contradictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from edge.contract import extract
from edge.errors import ContractError
from train.data import Split, copies_in_train, fingerprint, per_class
from train.metrics import voted_where_known

_FITTED = ("train", "validation")
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One split. ``flat`` and ``unreadable`` list paths ``split/class/file``.

    ``repeated`` counts the images whose pixels an earlier image of the same split has;
    ``in_train`` those whose pixels a training image has; ``tagged`` those with a label that most
    FER+ taggers gave, and ``agreeing`` those of them whose own label is the same.
    """

    images: int
    per_class: dict[str, int]
    unreadable: tuple[str, ...]
    flat: tuple[str, ...]
    repeated: int
    in_train: int
    tagged: int
    agreeing: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """A report on a data set.

    ``fingerprint`` is that of the train and validation splits, which every trained model records.
    ``conflicts`` are groups of identical pixels under different labels, as paths, over all splits.
    ``without_face`` lists the photographs in which no face was found, where they were cut out.
    """

    fingerprint: str
    splits: dict[str, Part]
    conflicts: tuple[tuple[str, ...], ...]
    without_face: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``images/report.json`` holds."""
        return {"conflicting_groups": len(self.conflicts)} | asdict(self)

    def __rich__(self) -> Group:
        """A table for a terminal, and what else is to be said."""
        table = Table("", *self.splits)
        for column in table.columns[1:]:
            column.justify = "right"
        parts = self.splits.values()
        for label in next(iter(parts)).per_class:
            table.add_row(label, *(f"{part.per_class[label]:,}" for part in parts))
        table.add_section()
        for name, count in (
            ("all", lambda part: part.images),
            ("unreadable, left out", lambda part: len(part.unreadable)),
            ("of one flat colour", lambda part: len(part.flat)),
            ("repeats an image of its split", lambda part: part.repeated),
            ("identical to a training image", lambda part: part.in_train),
        ):
            table.add_row(name, *(f"{count(part):,}" for part in parts))
        if any(part.tagged for part in parts):
            shares = (part.agreeing / part.tagged if part.tagged else None for part in parts)
            agreeing = ("–" if share is None else f"{share:.1%}" for share in shares)
            table.add_row("labelled as most FER+ taggers did", *agreeing)
        unreadable = [path for part in parts for path in part.unreadable]
        return Group(
            table,
            f"{len(self.conflicts):,} groups of identical images with different labels, "
            f"{sum(map(len, self.conflicts)):,} images in all",
            *list_unreadable(unreadable),
            *self._faceless(),
        )

    def _faceless(self) -> list[str]:
        if not self.without_face:
            return []
        count = sum(part.images for part in self.splits.values())
        return [
            f"{count:,} faces cut out; none was found in {len(self.without_face):,} photographs:",
            *list_paths(self.without_face),
        ]


def take_inventory(splits: Sequence[Split]) -> Inventory:
    """Report on ``splits``, the first of which is the training split."""
    train = splits[0]
    return Inventory(
        fingerprint=fingerprint(*(split for split in splits if split.name in _FITTED)),
        splits={split.name: _part(split, train) for split in splits},
        conflicts=_conflicts(splits),
    )


def differs_from(model: Path, inventory: Inventory) -> str:
    """Return a line where the ``.tflite`` at ``model`` was trained on other files than these.

    Nothing where it was trained on these, is missing or can't be read.
    """
    try:
        trained_on = extract(model.read_bytes()).provenance.get("data")
    except (OSError, ContractError):
        return ""
    if trained_on in (None, inventory.fingerprint):
        return ""
    return (
        f"{model} was trained on other files: its accuracy on these doesn't compare with that in "
        "its card, and is too good where it has learnt from some of them"
    )


def list_unreadable(paths: Sequence[str]) -> list[str]:
    """Return a line for each of the first images that could not be read, for a terminal."""
    return list_paths([f"unreadable: {path}" for path in paths])


def list_paths(lines: Sequence[str]) -> list[str]:
    """Return the first of ``lines``, and one that says how many more there are."""
    more = [f"… and {len(lines) - _LISTED} more; all are in the report"]
    return [*lines[:_LISTED], *more[: len(lines) > _LISTED]]


def _part(split: Split, train: Split) -> Part:
    pixels = split.images.reshape(len(split.images), -1)
    voted = voted_where_known(split)
    flat = np.flatnonzero(pixels.min(axis=1) == pixels.max(axis=1))
    return Part(
        images=len(pixels),
        per_class=dict(per_class(split)),
        unreadable=split.unreadable,
        flat=tuple(split.names[i] for i in flat),
        repeated=len(pixels) - len({row.tobytes() for row in pixels}),
        in_train=int(copies_in_train(split, train).sum()) if split is not train else 0,
        tagged=int((voted >= 0).sum()),
        agreeing=int((voted == split.labels).sum()),
    )


def _conflicts(splits: Sequence[Split]) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    for split in splits:
        for image, label, name in zip(split.images, split.labels, split.names, strict=True):
            groups[image.tobytes()].append((label, name))
    return tuple(
        tuple(name for _, name in members)
        for members in groups.values()
        if len({label for label, _ in members}) > 1
    )
