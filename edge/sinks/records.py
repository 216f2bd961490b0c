"""Results as records: .jsonl, .csv and .parquet, of each frame or of each second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from edge.adapters import SinkAdapter
from edge.errors import SinkError
from edge.protocols import BaseSink
from edge.settings import Settings
from edge.sinks import parquet
from edge.sinks.parquet import ParquetFile
from edge.sinks.seconds import Seconds
from edge.sinks.table import Csv, Table, frame_table, second_table
from edge.sinks.writers import JsonLines, Writer, check_lines, line_writer
from edge.types import Frame, FrameResult, Outage


class RecordSink(BaseSink):
    """Gives ``writer`` the record of each frame, or those that ``seconds`` makes of them."""

    def __init__(self, writer: Writer, seconds: Seconds | None = None) -> None:
        """Open nothing yet."""
        self._writer, self._seconds = writer, seconds

    def __enter__(self) -> Self:
        """Open the writer; raises ``SinkError``."""
        self._writer.open()
        return self

    def __exit__(self, *problem: object) -> None:
        """Write what is left, unless a write has failed, and close; raises ``SinkError``."""
        try:
            if self._seconds and not any(isinstance(each, SinkError) for each in problem):
                self._writer.write(self._seconds.end())
        finally:
            self._writer.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result; raises ``SinkError``."""
        self._writer.write(
            self._seconds.add(frame, result) if self._seconds else [result.to_dict()]
        )

    def lost(self, outage: Outage) -> None:
        """Let the time pass; raises ``SinkError``."""
        self._writer.write(self._seconds.lost(outage) if self._seconds else [])


def _sink(writer: Writer, settings: Settings) -> RecordSink:
    return RecordSink(writer, Seconds() if settings.per == "second" else None)


def _table(labels: Sequence[str], settings: Settings) -> Table:
    return (second_table if settings.per == "second" else frame_table)(labels)


def _open_json_lines(path: Path, _: Sequence[str], settings: Settings) -> RecordSink:
    return _sink(line_writer(path, JsonLines(), settings.recording), settings)


def _open_csv(path: Path, labels: Sequence[str], settings: Settings) -> RecordSink:
    form = Csv(_table(labels, settings))
    return _sink(line_writer(path, form, settings.recording), settings)


def _open_parquet(path: Path, labels: Sequence[str], settings: Settings) -> RecordSink:
    return _sink(ParquetFile(path, _table(labels, settings), settings.recording), settings)


JSON_LINES = SinkAdapter("records", _open_json_lines, check_lines)
CSV = SinkAdapter("records", _open_csv, check_lines)
PARQUET = SinkAdapter("records", _open_parquet, parquet.check)
