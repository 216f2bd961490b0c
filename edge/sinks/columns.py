"""Rows of a table on their way into a Parquet file, through pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from edge.assets import extra
from edge.errors import SinkError
from edge.sinks.table import Record, Table

GROUP = 8192
"""Rows that are kept in memory and written together."""


def require_pyarrow(what: str, advice: str = "") -> None:
    """Raise ``SinkError`` about ``what`` where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise SinkError(
            f"{what}: expected the package 'pyarrow' for Parquet, found none; "
            f"{extra('scan')}{advice}"
        )


class Columns:
    """Writes the rows of records to ``target``, a binary file, ``group`` at a time.

    Its methods raise what ``target`` raises.
    """

    def __init__(self, table: Table, target: Any, group: int = GROUP) -> None:
        """Write the head of the file."""
        import pyarrow.parquet  # noqa: PLC0415 - an option, and slow to import

        self._table, self._group = table, group
        self._schema = _schema(table)
        self._writer = pyarrow.parquet.ParquetWriter(target, self._schema)
        self._cells: dict[str, list[Any]] = {name: [] for name in table.columns}

    def add(self, record: Record) -> None:
        """Add the rows of ``record``."""
        for row in self._table.rows(record):
            for name, kind in self._table.columns.items():
                self._cells[name].append(_cell(row.get(name), kind))
        if len(self._cells["source"]) >= self._group:
            self._write_group()

    def close(self, metadata: Mapping[str, str] | None = None) -> None:
        """Write what waits, and ``metadata`` about the whole file."""
        self._write_group()
        self._writer.add_key_value_metadata(metadata or {})
        self._writer.close()

    def drop(self) -> None:
        """Write no more, where the file will not be whole: a writer that is left open complains."""
        with suppress(OSError, ValueError):
            self._writer.close()

    def _write_group(self) -> None:
        import pyarrow  # noqa: PLC0415

        cells, self._cells = self._cells, {name: [] for name in self._table.columns}
        if cells["source"]:
            self._writer.write_table(pyarrow.table(cells, self._schema))


def _schema(table: Table) -> Any:
    import pyarrow  # noqa: PLC0415

    types = {
        str: pyarrow.string(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        bool: pyarrow.bool_(),
        datetime: pyarrow.timestamp("ms", "UTC"),
    }
    return pyarrow.schema([(name, types[kind]) for name, kind in table.columns.items()])


def _cell(value: Any, kind: type) -> Any:
    """A cell as its column takes it."""
    if kind is str and value is not None:
        return str(value).encode(errors="backslashreplace").decode()  # a name may be no UTF-8
    return datetime.fromisoformat(value) if kind is datetime and value is not None else value
