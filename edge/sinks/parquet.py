"""Records as a table of columns, .parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from edge.errors import SinkError
from edge.settings import Recording
from edge.sinks import output
from edge.sinks.columns import GROUP, Columns, require_pyarrow
from edge.sinks.table import Record, Table


def check(path: Path) -> None:
    """Raise ``SinkError`` unless a run could write a table at ``path``."""
    require_pyarrow(str(path), ", or choose .csv")
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
        group: int = GROUP,
        create: Callable[[Path], FileIO] = output.create_aside,
    ) -> None:
        """Name the file; ``create`` opens it."""
        self._path, self._table = path, table
        self._recording = recording or Recording()
        self._group, self._create = group, create
        self._file: FileIO | None = None
        self._columns: Columns | None = None

    def open(self) -> None:
        """Check the path."""
        check(self._path)

    def write(self, records: Sequence[Record]) -> None:
        """Add the rows of ``records``."""
        if not records:
            return
        with self._dropping():
            if self._file is None or self._columns is None:
                self._file = self._create(self._path)
                self._columns = Columns(self._table, output.Whole(self._file), self._group)
            for record in records:
                self._columns.add(record)
        if self._file.tell() >= self._recording.rotate_bytes:
            self.close()

    def close(self) -> None:
        """Write what waits and put the file in its place, unless a write has failed."""
        if self._file is None or self._columns is None:
            return
        with self._dropping():
            self._columns.close()
            output.publish(self._file, self._path, self._recording.keep)
        self._file = self._columns = None

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Drop the file where the body fails: it will never be whole."""
        try:
            with output.writing(self._path):
                yield
        except SinkError:
            file, self._file, self._columns = self._file, None, None
            if file:
                output.discard(file, self._path)
            raise
