"""The detectors beside each other, in the same loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report.text import known
from train.tables import markdown

_SHOWN = ("p50", "p95", "p99")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table of what ``loop.detector`` measured, and what it could not."""
    lines = [
        (
            row["detector"],
            str(row["faces"]),
            f"{row['found']:.2f}",
            *(known(row["frame_ms"][p], row["frame_ms_interval"][p], 2) for p in _SHOWN),
            f"{row['stage_ms']['detect']['p50']:.2f}",
        )
        for row in rows
        if not row["error"]
    ]
    columns = ("detector", "faces", "found", *(f"frame, ms, {p}" for p in _SHOWN), "detect, p50")
    failed = [f"Not measured: {row['error']}." for row in rows if row["error"]]
    return "\n\n".join((markdown(columns, lines), *failed))
