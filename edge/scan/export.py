"""The table of a scan as one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.errors import TargetError, first_line
from edge.files import check_target, replace_with
from edge.scan.results import FRAMES, SECONDS, parts, require_scan
from edge.scan.summary import no_part
from edge.sinks.columns import require_pyarrow
from edge.sinks.output import set_aside, writing
from edge.sinks.table import FORMULA


def export(results: Path, target: Path, per: str = "frame") -> int:
    """Write the rows of all parts in ``results`` to ``target`` (.csv, .parquet); return how many.

    They are those of frames, or of seconds where that is asked for with "second" or the scan has no
    others. What is at ``target`` gets a number. Raises ``SinkError``.
    """
    require_pyarrow(str(target))
    import pyarrow.csv  # noqa: PLC0415 - an option, and slow to import
    import pyarrow.parquet  # noqa: PLC0415

    scan = require_scan(results)
    kind = SECONDS if "second" in (per, scan["settings"].get("per")) else FRAMES
    found = parts(results, kind)
    if not found:
        raise TargetError(f"{results}: expected results of files, found none; scan some first")
    schema = _schema(found[0])
    open_writer = {
        ".csv": pyarrow.csv.CSVWriter,
        ".parquet": pyarrow.parquet.ParquetWriter,
    }[target.suffix]
    rows = 0
    with writing(target):
        check_target(target)
        with replace_with(target) as file:
            with open_writer(file, schema) as writer:
                for batch in _batches(found):
                    writer.write_table(_harmless(batch) if target.suffix == ".csv" else batch)
                    rows += batch.num_rows
            set_aside(target)
    return rows


def _schema(path: Path) -> Any:
    import pyarrow.parquet  # noqa: PLC0415

    try:
        return pyarrow.parquet.read_schema(path).remove_metadata()
    except (OSError, pyarrow.ArrowException) as error:
        raise no_part(path, first_line(error)) from error


def _harmless(batch: Any) -> Any:
    """Return the table with an apostrophe before the texts that a spreadsheet would run."""
    import pyarrow  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    for number, field in enumerate(batch.schema):
        if pyarrow.types.is_string(field.type):
            texts = batch[number]
            runs = pc.is_in(pc.utf8_slice_codeunits(texts, 0, 1), pyarrow.array(FORMULA))
            marked = pc.if_else(runs, pc.binary_join_element_wise("'", texts, ""), texts)
            batch = batch.set_column(number, field, marked)
    return batch


def _batches(found: Sequence[Path]) -> Iterator[Any]:
    """Yield the rows of the parts a group at a time, as tables without metadata."""
    import pyarrow.parquet  # noqa: PLC0415

    for path in found:
        try:
            with pyarrow.parquet.ParquetFile(path) as part:
                for group in range(part.num_row_groups):
                    yield part.read_row_group(group).replace_schema_metadata(None)
        except (OSError, pyarrow.ArrowException) as error:
            raise no_part(path, first_line(error)) from error
