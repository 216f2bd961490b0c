"""Rows of short trainings in a JSON file, a line each: an interrupted command goes on with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.files import write_text
from train.errors import ReportError


def read_rows(
    path: Path, command: str, table: Callable[[Sequence[Mapping[str, Any]]], str]
) -> list[dict[str, Any]]:
    """Read the rows that ``python -m train COMMAND`` wrote to ``path``; ``table`` must show them.

    Raises ``ReportError``.
    """
    try:
        rows = list(json.loads(path.read_text(encoding="utf-8")))
        table(rows)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ReportError(
            f"{path}: expected the rows of 'python -m train {command}', found {error!r}; delete it "
            "and run that again"
        ) from error
    return rows


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace ``path`` with ``rows``."""
    write_text(path, "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
