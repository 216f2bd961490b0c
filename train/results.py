"""What long commands found, as JSON, from which tables are made and with which they go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from edge.files import write_text
from train.errors import ReportError


def read_result(path: Path, command: str, table: Callable[[Any], str]) -> Any:
    """Read what ``python -m train COMMAND`` wrote to ``path``; ``table`` must be able to show it.

    Raises ``ReportError``.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        table(result)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ReportError(
            f"{path}: expected what 'python -m train {command}' writes, found {error!r}; delete it "
            "and run that again"
        ) from error
    return result


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Replace ``path`` with ``rows``, a line each: an interrupted command goes on with them."""
    write_text(path, "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
