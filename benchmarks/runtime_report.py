"""The runtime's figures as tables: short ones for the documents, with intervals for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.errors import ResultsError
from benchmarks.report.text import known
from benchmarks.results import COMMAND, measured
from convert.variants import DEPLOYED
from edge.pipeline import STAGES
from train import recipes
from train.tables import markdown

CLASSIFIER = f"{recipes.model_path(recipes.DEPLOYED).stem} {DEPLOYED}"
"""With which the loop is measured, whatever else is."""
_SHOWN = ("p50", "p95", "p99")
_Row = Mapping[str, Any]


def sections(result: Mapping[str, Any], *, full: bool = False) -> dict[str, str]:
    """Return the tables of ``result`` as Markdown, by the section of the README.

    ``full`` ones have the intervals of 95 % in brackets. Raises ``ResultsError`` where the loop
    could not be measured.
    """
    loop = result["loop"]
    if loop is None:
        raise ResultsError(f"loop: expected its figures, found none; run '{COMMAND}' again")
    origin = f"With {CLASSIFIER}. {measured(result, COMMAND)}."
    if full:
        origin = f"In brackets, where it is known, the interval of 95 %. {origin}"
    cost = f"{_footprint(loop['footprint'], full)} " if loop["footprint"] else ""
    return {
        "stages": f"{_stages(loop, full)}\n\n{cost}{origin}",
        "throughput": f"{_throughput(loop, full)}\n\n{origin}",
        "intervals": f"{_intervals(loop, full)}\n\n{origin}",
        "camera": f"{_camera(loop, full)}\n\n{origin}",
    }


def _percentiles(row: _Row, kind: str, full: bool, digits: int = 2) -> list[str]:
    """The ``_SHOWN`` of a row in one cell, or with their intervals in a cell each."""
    if not full:
        return [" / ".join(known(row[kind][p], digits=digits) for p in _SHOWN)]
    ends = row[f"{kind}_interval"]
    return [known(row[kind][p], ends[p], digits) for p in _SHOWN]


def _headings(what: str, full: bool) -> list[str]:
    return [f"{what}, {p}" for p in _SHOWN] if full else [f"{what}, {' / '.join(_SHOWN)}"]


def _stages(result: Mapping[str, Any], full: bool) -> str:
    at_once = _at_once(result)
    rows = [
        (
            str(row["faces"]),
            *(f"{row['stage_ms'][stage]['p50']:.2f}" for stage in STAGES),
            *_percentiles(row, "frame_ms", full),
            f"{row['over_networks']:.2f} ×",
            " + ".join(f"{values['p50']:.2f}" for values in row["invoke_ms"].values()),
        )
        for row in result["stages"]
    ]
    columns = (
        *("faces", *STAGES, *_headings("frame", full)),
        *("over the networks", "the bare networks"),
    )
    shared = f"up to {at_once} of a frame's faces at a time" if at_once > 1 else "face by face"
    every = "every face"
    if at_once > 1:
        every = f"every {at_once} faces and for those left over, which all cores share"
    return (
        f"{markdown(columns, rows)}\n\nMilliseconds with one thread for each network, {shared}, "
        "640×360 frames in memory; bare is one call of the detector and one of the classifier, in "
        "turn with blocks of frames. Over the networks is the frame's p50 as a multiple of the "
        "bare calls that follow one another in it: one of the detector, and one of the classifier "
        f"for {every}.{_many(result['stages'])}"
    )


def _many(rows: Sequence[_Row]) -> str:
    """How much longer many faces take than one, whose frames took turns."""
    one = next((row for row in rows if row["faces"] == 1), None)
    many = rows[-1]
    if one is None:
        return ""
    times = many["frame_ms"]["p50"] / one["frame_ms"]["p50"]
    return f" {many['faces']} faces take {times:.2f} times as long as one, in the same rounds."


def _at_once(result: Mapping[str, Any]) -> int:
    """How many networks were at work at a time."""
    return max(int(row["networks"]) for row in result["throughput"])


def _throughput(result: Mapping[str, Any], full: bool) -> str:
    rows = result["throughput"]
    faces = sorted({row["faces"] for row in rows})
    by_place = {(row["networks"], row["faces"]): row for row in rows}
    lines = [
        (str(count), *(_fps(by_place[count, number], full) for number in faces))
        for count in sorted({row["networks"] for row in rows})
    ]
    columns = ("frames at a time", *("1 face" if n == 1 else f"{n} faces" for n in faces))
    return f"{markdown(columns, lines)}\n\nFrames a second of the loop, frames in memory."


def _fps(row: _Row, full: bool) -> str:
    return known(row["fps"], row["fps_interval"] if full else None, 0)


def _footprint(cost: Mapping[str, Any], full: bool) -> str:
    memory = f", resident memory at most {cost['memory_mb']:.0f} MB" if cost["memory_mb"] else ""
    start = known(cost["start_s"], cost["start_s_interval"] if full else None, 2)
    return (
        f"From the start of the process to the first result {start} s{memory} in "
        f"{cost['frames']} frames of the demo without a window, environment "
        f"{cost['environment_mb']:.0f} MB on disk."
    )


def _intervals(result: Mapping[str, Any], full: bool) -> str:
    rows = [
        (
            row["subject"],
            *(
                known(row[kind], row[f"{kind}_interval"] if full else None, 2)
                for kind in ("mean_ms", "p95_ms")
            ),
            f"{row['found']:.1%}",
            f"{row['overlap']:.3f}",
            f"{row['same_label']:.1%}",
        )
        for row in result["intervals"]
    ]
    columns = ("detection", "mean ms", "p95 ms", "faces there", "overlap of boxes", "same label")
    note = "The mean is of the frames of a round; shown is the median of the rounds."
    return f"{markdown(columns, rows)}\n\n{note}"


def _camera(result: Mapping[str, Any], full: bool) -> str:
    rows = [
        (
            str(row["rate"]),
            str(row["frames"]),
            str(row["dropped"]),
            *_percentiles(row, "latency_ms", full, 1),
            known(row["work_ms"]["p95"], digits=1),
        )
        for row in result["camera"]
    ]
    columns = ("frames a second", "frames", "dropped", *_headings("ms", full), "work, p95")
    return markdown(columns, rows)
