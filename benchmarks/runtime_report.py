"""The runtime's figures as the tables of the documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.errors import ResultsError
from benchmarks.results import COMMAND, measured
from benchmarks.uncertainty import as_text
from edge.pipeline import STAGES
from train.tables import markdown

_SHOWN = ("p50", "p95", "p99")


def sections(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of ``result`` as Markdown, by the section of the README.

    Raises ``ResultsError`` where the loop could not be measured.
    """
    loop = result["loop"]
    if loop is None:
        raise ResultsError(f"loop: expected its figures, found none; run '{COMMAND}' again")
    origin = f"{measured(result, COMMAND)}."
    return {
        "stages": f"{_stages(loop)}\n\n{_footprint(loop['footprint'])} {origin}",
        "throughput": f"{_throughput(loop)}\n\n{origin}",
        "intervals": f"{_intervals(loop)}\n\n{origin}",
        "camera": f"{_camera(loop)}\n\n{origin}",
    }


def _stages(result: Mapping[str, Any]) -> str:
    rows = [
        (
            str(row["faces"]),
            *(f"{row['stage_ms'][stage]['p50']:.2f}" for stage in STAGES),
            " / ".join(as_text(row["frame_ms"][p]) for p in _SHOWN),
            f"{row['over_networks']:.2f} ×",
            " + ".join(f"{values['p50']:.2f}" for values in row["invoke_ms"].values()),
        )
        for row in result["stages"]
    ]
    columns = ("faces", *STAGES, "frame, p50 / p95 / p99", "over the networks", "the bare networks")
    one = next(row for row in result["stages"] if row["faces"] == 1)
    many = result["stages"][-1]
    times = many["frame_ms"]["p50"] / one["frame_ms"]["p50"]
    return (
        f"{markdown(columns, rows)}\n\nMilliseconds with one thread for each network, up to "
        f"{_at_once(result)} of a frame's faces at a time, 640×360 frames in memory; bare is one "
        "call of the detector and one of the classifier, in turn with blocks of frames. "
        f"{many['faces']} faces take {times:.2f} times as long as one."
    )


def _at_once(result: Mapping[str, Any]) -> int:
    """How many networks were at work at a time; one before there was a choice."""
    return max((row["networks"] for row in result.get("throughput", ())), default=1)


def _throughput(result: Mapping[str, Any]) -> str:
    rows = result.get("throughput")
    if rows is None:  # of a run before there was such a choice
        return "Not measured in this run."
    faces = sorted({row["faces"] for row in rows})
    by_place = {(row["networks"], row["faces"]): row["fps"] for row in rows}
    lines = [
        (str(count), *(f"{by_place[count, number]:.0f}" for number in faces))
        for count in sorted({row["networks"] for row in rows})
    ]
    columns = ("frames at a time", *(f"{number} faces" for number in faces))
    return f"{markdown(columns, lines)}\n\nFrames a second of the loop, frames in memory."


def _footprint(cost: Mapping[str, Any]) -> str:
    memory = f", resident memory at most {cost['memory_mb']:.0f} MB" if cost["memory_mb"] else ""
    return (
        f"From the start of the process to the first result {cost['start_s']:.2f} s{memory} in "
        f"{cost['frames']} frames of the demo without a window, environment "
        f"{cost['environment_mb']:.0f} MB on disk."
    )


def _intervals(result: Mapping[str, Any]) -> str:
    rows = [
        (
            row["subject"],
            f"{row['mean_ms']:.2f}",
            as_text(row["p95_ms"]),
            f"{row['found']:.1%}",
            f"{row['overlap']:.3f}",
            f"{row['same_label']:.1%}",
        )
        for row in result["intervals"]
    ]
    columns = ("detection", "mean ms", "p95 ms", "faces there", "overlap of boxes", "same label")
    return markdown(columns, rows)


def _camera(result: Mapping[str, Any]) -> str:
    rows = [
        (
            str(row["rate"]),
            str(row["frames"]),
            str(row["dropped"]),
            " / ".join(as_text(row["latency_ms"][p], 1) for p in _SHOWN),
            as_text(row["work_ms"]["p95"], 1),
        )
        for row in result["camera"]
    ]
    columns = ("frames a second", "frames", "dropped", "ms, p50 / p95 / p99", "work, p95")
    return markdown(columns, rows)
