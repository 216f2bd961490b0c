"""The devices beside each other, a column for each, and the state of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import recommendation
from benchmarks.report.evidence import Result, labels, with_accuracy
from benchmarks.report.text import NONE, known
from benchmarks.results import run_with
from train.tables import markdown


def table(found: Sequence[Result], samples: Sequence[recommendation.Lines] = ()) -> str:
    """Return what differs between the devices of ``found`` as a Markdown table.

    Milliseconds with the 95 % interval of their median. ``samples`` are those of each device.
    """
    names = dict.fromkeys(row["name"] for result in found for row in result["subjects"])
    other = with_accuracy(found)
    choices = [
        recommendation.choose(result, other, own).row
        for result, own in zip(found, samples or [()] * len(found), strict=True)
    ]
    lines = [
        ("measured", *(_date(result) for result in found)),
        ("recommended", *(f"**{row['name']}**" if row else NONE for row in choices)),
        ("whole frame with one face, ms", *(_frame(result["loop"]) for result in found)),
        *(
            (text, *(_cost(result["loop"], key, digits) for result in found))
            for text, key, digits in (
                ("start to first result, s", "start_s", 2),
                ("resident memory of a run, MB", "memory_mb", 0),
                ("environment on disk, MB", "environment_mb", 0),
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
    return _times(run["face_ms"], run["face_ms_interval"]) if run else NONE


def _frame(loop: Mapping[str, Any] | None) -> str:
    one = next((row for row in loop["stages"] if row["faces"] == 1), None) if loop else None
    return _times(one["frame_ms"], one["frame_ms_interval"]) if one else NONE


def _times(percentiles: Mapping[str, float], intervals: Mapping[str, Sequence[float]]) -> str:
    return known(percentiles["p50"], intervals["p50"])


def _cost(loop: Mapping[str, Any] | None, key: str, digits: int) -> str:
    """What a run costs; without an edge environment nobody knows."""
    cost = (loop and loop["footprint"]) or {}
    return known(cost.get(key), cost.get(f"{key}_interval"), digits)


def state(result: Result) -> str:
    """Return governor, clock, temperature and throttle flags before and after as a table."""
    device = result["device"]
    states = [device[when] for when in ("before", "after")]
    lines = [
        (text, *(_cell(each[key], form) for each in states))
        for text, key, form in (
            ("governor", "governor", "{}"),
            ("clock, MHz", "mhz", "{:.0f}"),
            ("temperature, °C", "celsius", "{:.1f}"),
            ("throttle flags", "throttled", "{}"),
        )
    ]
    table = markdown(("", "before", "after"), lines)
    counts = f"is void: {result['void']}" if result["void"] else "counts"
    return f"{table}\n\nA dash: this machine doesn't tell. The run {counts}."


def _cell(value: Any, form: str) -> str:
    return NONE if value is None else form.format(value)
