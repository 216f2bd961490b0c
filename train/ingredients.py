"""The table of what each ingredient of the recipe gives; ``train.study`` makes its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.errors import ReportError
from train.recipes import completed
from train.tables import markdown

RESULTS = Path("models/ingredients.json")
_FIELDS = (
    *("ingredient", "seed", "recipe", "data", "origins", "commit", "machine", "date", "epochs"),
    *("minutes", "multiply_accumulates", "loss", "top1", "top1_votes", "macro_f1"),
)


def read(path: Path) -> list[dict[str, Any]]:
    """Read the rows at ``path``; raises ``ReportError``."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = [{name: row[name] for name in _FIELDS} for row in rows]
        table(found)
        for row in found:
            completed(row["recipe"])
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ReportError(
            f"{path}: expected the rows of 'python -m train study', found {error!r}; delete it and "
            "run that again"
        ) from error
    return found


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
        f"{text}\n\nWritten by `python -m train study` on {machines} (last row: commit "
        f"{last['commit']}, {last['date']}), seed {last['seed']}, the h5 in float32. One seed: "
        "differences below a point mean little. The losses of different targets don't compare, nor "
        "do the minutes of different machines."
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    votes = row["top1_votes"]
    return (
        *(row["ingredient"], str(row["epochs"]), f"{row['minutes']:.0f}"),
        *(f"{row['multiply_accumulates'] / 1e6:.0f}", f"{row['loss']:.3f}"),
        *(f"{row['top1']:.1%}", "–" if votes is None else f"{votes:.1%}"),
        f"{row['macro_f1']:.3f}",
    )
