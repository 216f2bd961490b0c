"""What is known of each variant on a device: its times at all numbers of threads, its start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.report.text import known
from convert.variants import NAMES
from train.tables import markdown

_PERCENTILES = ("p50", "p90", "p95", "p99")
_WHY_ONE = (
    "An h5 is timed at one thread alone: it is there to compare with and not to deploy, and "
    "TensorFlow sets its threads once for all, so that each further number would take a process of "
    "several hundred MB more."
)


def times(result: Mapping[str, Any]) -> str:
    """Return the times of one face of each variant, a row for each number of threads."""
    rows = [
        (
            row["name"],
            str(run["threads"]),
            known(run["invocations"], digits=0),
            *(known(run["face_ms"][p], run["face_ms_interval"][p]) for p in _PERCENTILES),
        )
        for row in result["subjects"]
        for run in row["runs"]
    ]
    table = markdown(("model", "threads", "faces", *_PERCENTILES), rows)
    note = (
        "Milliseconds of one face, in brackets the interval of 95 %; a dash where the samples are "
        "too few."
    )
    alone = any(row["variant"] not in NAMES for row in result["subjects"])
    return f"{table}\n\n{note}{f' {_WHY_ONE}' if alone else ''}"


def starts(result: Mapping[str, Any]) -> str:
    """Return what each variant costs before its first answer, and its memory."""
    rows = [
        (
            row["name"],
            *(known(run[kind]) for kind in ("load_ms", "first_ms")),
            known(run["memory_mb"], digits=0),
        )
        for row in result["subjects"]
        for run in row["runs"][:1]
    ]
    columns = ("model", "load, ms", "first face, ms", "peak resident memory, MB")
    note = (
        "Of a process that runs this variant alone, at its first number of threads, without "
        "detector and loop; loading begins with the import of the interpreter or of TensorFlow. "
        "Each happens once in a run: there is no interval."
    )
    return f"{markdown(columns, rows)}\n\n{note}"
