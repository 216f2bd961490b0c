"""Percentiles that rest on too few samples are not shown, also of results from before that rule."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.uncertainty import flat, supported

_PERCENTS = (50, 90, 95, 99)
Line = Mapping[str, Any]
Counted = tuple[dict[str, Any], int | None]
"""Percentiles, or their intervals, by the names p50, p90 …, and of how many samples."""


def enough(result: Mapping[str, Any], samples: Sequence[Line]) -> dict[str, Any]:
    """Return ``result`` with None for each percentile of too few samples, and for its interval.

    Their number is from the ``samples``, or from the row; where none knows it, all stay.
    """
    kept = copy.deepcopy(dict(result))
    counts = {
        (line["subject"], line.get("threads"), kind): len(flat(line[kind]))
        for line in samples
        for kind in ("face_ms", "frame_ms")
        if line.get(kind)
    }
    for values, count in _counted(kept, counts):
        for percent in _PERCENTS:
            if count is not None and not supported(percent, count) and f"p{percent}" in values:
                values[f"p{percent}"] = None
    return kept


def _counted(result: Mapping[str, Any], counts: Mapping[Any, int]) -> Iterator[Counted]:
    for row in result["subjects"]:
        for run in row["runs"]:
            key = row["name"], run["threads"]
            yield from _pair(run, "face_ms", counts.get((*key, "face_ms"), run.get("invocations")))
            yield from _frames(run, counts.get((*key, "frame_ms")))
    loop = result["loop"] or {"stages": (), "detectors": (), "camera": ()}
    for row in loop["stages"]:
        yield from _frames(row, counts.get((f"loop, {row['faces']} faces", 1, "frame_ms")))
    for row in loop["detectors"]:
        if not row["error"]:
            name = f"{row['detector']}, {row['faces']} faces"
            yield from _frames(row, counts.get((name, 1, "frame_ms")))
    for row in loop["camera"]:
        for kind in ("latency_ms", "work_ms"):
            yield from _pair(row, kind, row["frames"])


def _frames(row: Mapping[str, Any], count: int | None) -> Iterator[Counted]:
    """All percentiles of a row whose frames were counted."""
    yield from _pair(row, "frame_ms", count)
    for values in (*row["stage_ms"].values(), *row.get("invoke_ms", {}).values()):
        yield values, count


def _pair(row: Mapping[str, Any], kind: str, count: int | None) -> Iterator[Counted]:
    yield row[kind], count
    if f"{kind}_interval" in row:
        yield row[f"{kind}_interval"], count
