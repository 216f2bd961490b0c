"""What a frame's time goes to, by the number of faces in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.figures import marks
from edge.pipeline import STAGES

_LOOKS = (("#9fb0c9", ""), ("#f0e6cb", "---"), ("#6fb39a", "////"), ("#c9a9c0", "xxxx"))
"""Colour and hatch of each stage."""
_LEAST_SHOWN = 0.07
"""Part of the longest bar from which a stage has room for its figure."""


def stages_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw a bar for each number of faces, the p50 of each stage after the other.

    A tick is the p95 of the whole frame.
    """
    figure = Figure(figsize=(marks.WIDTH, 0.6 * len(rows) + 1.5), layout="constrained")
    axes = figure.subplots()
    longest = max(row["frame_ms"]["p95"] or row["frame_ms"]["p50"] for row in rows)
    for place, row in enumerate(rows):
        end = _bar(axes, place, row["stage_ms"], _LEAST_SHOWN * longest)
        p50 = row["frame_ms"]["p50"]
        p95 = row["frame_ms"]["p95"] or p50  # of too few frames there is none
        axes.plot([end, p95], [place, place], color="black", linewidth=1)
        axes.plot([p95, p95], [place - 0.15, place + 0.15], color="black", linewidth=1.6)
        axes.text(p95 + 0.012 * longest, place, f"{p50:.2f}", va="center", weight="bold")
    axes.set_xlim(0, 1.14 * longest)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_faces(row["faces"]) for row in rows])
    axes.set_xlabel("milliseconds of a frame; bold: p50 of the whole, line: to its p95")
    marks.plain(axes, "x")
    figure.legend(
        handles=[
            Patch(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.5, label=stage)
            for stage, (colour, hatch) in zip(STAGES, _LOOKS, strict=True)
        ],
        **{"loc": "outside upper center", "ncols": len(STAGES), "frameon": False},
    )
    return figure


def _bar(axes: Axes, place: int, stages: Mapping[str, Any], least_shown: float) -> float:
    """Draw the stages of a frame in a row; return where the last one ends."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    end = 0.0
    for stage, (colour, hatch) in zip(STAGES, _LOOKS, strict=True):
        width = stages[stage]["p50"]
        axes.barh(
            place, width, 0.62, end, color=colour, hatch=hatch, edgecolor="black", linewidth=0.5
        )
        if width > least_shown:
            middle = end + width / 2
            axes.text(middle, place, f"{width:.2f}", ha="center", va="center", size=9, bbox=box)
        end += width
    return end


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"
