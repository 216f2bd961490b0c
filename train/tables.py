"""Tables: Markdown, as the documents show them, and the figures of a training for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Return a table of ``rows`` under ``columns``; all but the first ``texts`` are figures."""
    rule = ["---"] * texts + ["---:"] * (len(columns) - texts)
    return "\n".join("| " + " | ".join(line) + " |" for line in (columns, rule, *rows))


def class_table(figures: Mapping[str, Any]) -> Table:
    """Return the figures of each class, as ``evaluate`` returns them, and their means."""
    table = Table("validation split", "precision", "recall", "F1", "images")
    for column in table.columns[1:]:
        column.justify = "right"
    rows = figures["per_class"]
    shares = ("precision", "recall", "f1")
    for name, row in rows.items():
        table.add_row(name, *(f"{row[key]:.3f}" for key in shares), f"{row['support']:,}")
    table.add_section()
    means = (sum(row[key] for row in rows.values()) / len(rows) for key in shares)
    table.add_row("mean", *(f"{mean:.3f}" for mean in means), f"{figures['images']:,}")
    return table
