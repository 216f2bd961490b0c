"""Records as rows of a table, for files of comma-separated values and of columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.types import STAGES

Record = Mapping[str, Any]
Row = Mapping[str, Any]
"""Cells by column; a cell that is missing is empty."""

_BOX = ("left", "top", "right", "bottom")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet runs."""


@dataclass(frozen=True)
class Table:
    """``columns`` maps names to types; ``rows`` gives the rows of one record.

    ``label``, ``score``, ``certain`` and ``p_…`` are what the frame alone shows, ``smoothed_…`` is
    the same over time. Values are those of ``to_dict``.
    """

    columns: Mapping[str, type]
    rows: Callable[[Record], Iterator[Row]]


def frame_table(labels: Sequence[str]) -> Table:
    """A row for each face of a frame; a frame without one has one too. ``labels``: the model's."""
    columns = {"source": str, "time": float, "frame": int, "wall_time": datetime, "track": int}
    columns |= dict.fromkeys((*_BOX, "detection_score"), float)
    columns |= {"label": str, "score": float, "certain": bool}
    columns |= {f"p_{label}": float for label in labels}
    columns |= {"smoothed_label": str, "smoothed_score": float, "smoothed_certain": bool}
    columns |= {f"smoothed_{label}": float for label in labels}
    return Table(columns | {f"{stage}_ms": float for stage in STAGES}, _frame_rows)


def second_table(labels: Sequence[str]) -> Table:
    """A row for each record of ``Seconds``. ``labels``: the model's."""
    columns = {"source": str, "time": float, "wall_time": datetime, "track": int, "frames": int}
    columns |= dict.fromkeys((*_BOX, "detection_score"), float)
    columns |= {"label": str, "score": float, "certain": bool, "certain_share": float, "shown": str}
    return Table(columns | {f"p_{label}": float for label in labels}, _second_rows)


def harmless(text: str) -> str:
    """Return ``text`` as a cell of a .csv: an apostrophe before what a spreadsheet would run."""
    return f"'{text}" if text.startswith(FORMULA) else text


class Csv:
    """A table as comma-separated values (RFC 4180); its texts are ``harmless``."""

    def __init__(self, table: Table) -> None:
        """``header`` is the line of the names."""
        self._table = table
        self.header = self._encoded([{name: name for name in table.columns}])

    def line(self, record: Record) -> bytes:
        """Return the lines of ``record``."""
        return self._encoded(self._table.rows(record))

    def _encoded(self, rows: Iterable[Row]) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._table.columns, extrasaction="ignore")
        for row in rows:
            writer.writerow(
                {
                    name: harmless(value) if isinstance(value, str) else value
                    for name, value in row.items()
                }
            )
        return text.getvalue().encode(errors="backslashreplace")  # a file's name may be no UTF-8


def _frame_rows(record: Record) -> Iterator[Row]:
    frame = {**record, **{f"{stage}_ms": ms for stage, ms in record["stage_ms"].items()}}
    if not record["faces"]:
        yield frame
    for face in record["faces"]:
        row = {**frame, **face, **_flat(face)}
        if smoothed := face.get("smoothed"):
            row |= {f"smoothed_{name}": smoothed[name] for name in ("label", "score", "certain")}
            row |= {f"smoothed_{label}": p for label, p in smoothed["probabilities"].items()}
        yield row


def _second_rows(record: Record) -> Iterator[Row]:
    yield {**record, **_flat(record)} if record["frames"] else record


def _flat(face: Record) -> Row:
    """The cells of what is no single value."""
    cells = dict(zip(_BOX, face["box"], strict=True))
    return cells | {f"p_{label}": p for label, p in face["probabilities"].items()}
