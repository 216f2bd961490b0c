"""Records as a table of columns, .parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import Any

from edge.errors import SinkError
from edge.settings import Recording
from edge.sinks import output
from edge.sinks.table import Record, Table

_GROUP = 8192
"""Rows that are kept in memory and written together."""


def check(path: Path) -> None:
    """Raise ``SinkError`` unless a run could write a table at ``path``."""
    if find_spec("pyarrow") is None:
        raise SinkError(
            f"{path}: expected the package 'pyarrow' for .parquet, found none; "
            "pip install 'edge-expressions[scan]', or choose .csv"
        )
    output.check(path)


class ParquetFile:
    """A table in a file that is there once it is whole: until then it has a hidden name.

    What stood at ``path`` is numbered, and so is a file that has reached ``rotate_mb``. Rows are
    written ``group`` at a time.
    """

    def __init__(
        self,
        path: Path,
        table: Table,
        recording: Recording | None = None,
        group: int = _GROUP,
        create: Callable[[Path], FileIO] = output.create_aside,
    ) -> None:
        """Name the file; ``create`` opens it."""
        self._path, self._table = path, table
        self._recording = recording or Recording()
        self._group, self._create = group, create
        self._columns: dict[str, list[Any]] = {name: [] for name in table.columns}
        self._file: FileIO | None = None
        self._writer: Any = None
        """``pyarrow.parquet.ParquetWriter``"""

    def open(self) -> None:
        """Check the path."""
        check(self._path)

    def write(self, records: Sequence[Record]) -> None:
        """Add the rows of ``records``."""
        if not records:
            return
        with self._dropping():
            if self._file is None:
                self._begin()
            for row in (row for record in records for row in self._table.rows(record)):
                for name, kind in self._table.columns.items():
                    self._columns[name].append(_cell(row.get(name), kind))
            if len(self._columns["source"]) >= self._group:
                self._write_group()
        if self._file and self._file.tell() >= self._recording.rotate_bytes:
            self.close()

    def close(self) -> None:
        """Write what waits and put the file in its place, unless a write has failed."""
        if self._file is None:
            return
        with self._dropping():
            self._write_group()
            self._writer.close()
            output.publish(self._file, self._path, self._recording.keep)
        self._file = None

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Drop the file where the body fails: it will never be whole."""
        try:
            with output.writing(self._path):
                yield
        except SinkError:
            file, self._file = self._file, None
            if file:
                output.discard(file, self._path)
            raise

    def _begin(self) -> None:
        import pyarrow.parquet  # noqa: PLC0415 - an option, and slow to import

        self._file = self._create(self._path)
        self._writer = pyarrow.parquet.ParquetWriter(output.Whole(self._file), self._schema())

    def _write_group(self) -> None:
        import pyarrow  # noqa: PLC0415

        content, self._columns = self._columns, {name: [] for name in self._table.columns}
        if content["source"]:
            self._writer.write_table(pyarrow.table(content, self._schema()))

    def _schema(self) -> Any:
        import pyarrow  # noqa: PLC0415

        types = {
            str: pyarrow.string(),
            int: pyarrow.int64(),
            float: pyarrow.float64(),
            bool: pyarrow.bool_(),
            datetime: pyarrow.timestamp("ms", "UTC"),
        }
        return pyarrow.schema([(name, types[kind]) for name, kind in self._table.columns.items()])


def _cell(value: Any, kind: type) -> Any:
    """A cell as its column takes it."""
    if kind is str and value is not None:
        return str(value).encode(errors="backslashreplace").decode()  # a name may be no UTF-8
    return datetime.fromisoformat(value) if kind is datetime and value is not None else value
