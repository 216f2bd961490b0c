"""The gate: how far a converted variant may be from the h5 it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ParityError
from train.data import Split
from train.metrics import evaluate


@dataclass(frozen=True, slots=True)
class Limits:
    """Least share of equal top-1 answers, and greatest loss of top-1 accuracy in points."""

    agreement: float
    drop: float


LIMITS = {
    "float32": Limits(0.999, 0.1),
    "float16": Limits(0.995, 0.2),
    "dynamic": Limits(0.97, 0.5),
    "int8": Limits(0.97, 0.5),
}
"""On the whole validation split. The one place where they are stated."""


@dataclass(frozen=True, slots=True)
class Parity:
    """One variant against the h5, on the validation split. ``drop`` is in points of top-1."""

    variant: str
    agreement: float
    drop: float
    figures: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether it is within its limits; of a few images one may always differ."""
        limits, one = LIMITS[self.variant], 1 / self.figures["images"]
        agreement, drop = min(limits.agreement, 1 - one), max(limits.drop, 100 * one)
        return bool(self.agreement >= agreement and self.drop <= drop)


def compare(
    variant: str,
    expected: NDArray[np.int64],
    found: NDArray[np.int64],
    validation: Split,
    copies: NDArray[np.bool_],
) -> Parity:
    """Compare the answers of the h5 (``expected``) and of a variant (``found``), ``int64[n]``."""
    labels = validation.labels
    return Parity(
        variant=variant,
        agreement=float((expected == found).mean()),
        drop=100 * float((expected == labels).mean() - (found == labels).mean()),
        figures=evaluate(labels, found, copies, validation.classes),
    )


def check(rows: Sequence[Parity]) -> None:
    """Raise ``ParityError`` with all ``rows`` where one is past its limits."""
    failed = [row for row in rows if not row.passed]
    if failed:
        details = "; ".join(
            f"{row.variant}: agreement {row.agreement:.2%} (at least "
            f"{LIMITS[row.variant].agreement:.1%}), drop {row.drop:.2f} points (at most "
            f"{LIMITS[row.variant].drop})"
            for row in failed
        )
        raise ParityError(
            f"parity gate: {details}; the files of the last conversion are as they were. "
            "Train again with another recipe; for a model that you brought see whether INPUT and "
            "the order of LABELS are right",
            rows,
        )
