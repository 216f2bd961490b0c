"""The devices beside each other: a column for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import recommendation
from benchmarks.report.evidence import Result, labels, with_accuracy
from benchmarks.results import run_with
from train.tables import markdown

_NONE = "–"


def table(found: Sequence[Result]) -> str:
    """Return what differs between the devices of ``found`` as a Markdown table.

    Milliseconds with the 95 % interval of their median.
    """
    names = dict.fromkeys(row["name"] for result in found for row in result["subjects"])
    known = with_accuracy(found)
    choices = [recommendation.choose(result, known).row for result in found]
    lines = [
        ("measured", *(_date(result) for result in found)),
        ("recommended", *(f"**{row['name']}**" if row else _NONE for row in choices)),
        ("whole frame with one face, ms", *(_frame(result["loop"]) for result in found)),
        *(
            (text, *(_cost(result["loop"], key, form) for result in found))
            for text, key, form in (
                ("start to first result, s", "start_s", "{:.2f}"),
                ("resident memory of a run, MB", "memory_mb", "{:.0f}"),
                ("environment on disk, MB", "environment_mb", "{:.0f}"),
            )
        ),
        *((f"one face, ms: {name}", *(_face(result, name) for result in found)) for name in names),
    ]
    note = "Medians (p50) at one thread, in brackets the interval of 95 %."
    return f"{markdown(('', *labels(found)), lines)}\n\n{note}"


def _date(result: Result) -> str:
    return f"{result['date']}, void" if result["void"] else str(result["date"])


def _face(result: Result, name: str) -> str:
    row = next((row for row in result["subjects"] if row["name"] == name), None)
    run = row and run_with(row)
    return _times(run["face_ms"], run["face_ms_interval"]) if run else _NONE


def _frame(loop: Mapping[str, Any] | None) -> str:
    one = next((row for row in loop["stages"] if row["faces"] == 1), None) if loop else None
    return _times(one["frame_ms"], one["frame_ms_interval"]) if one else _NONE


def _times(percentiles: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    low, high = intervals["p50"]
    digits = 2 if percentiles["p50"] < 10 else 1
    return f"{percentiles['p50']:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _cost(loop: Mapping[str, Any] | None, key: str, form: str) -> str:
    value = loop["footprint"][key] if loop else None
    return _NONE if value is None else form.format(value)
