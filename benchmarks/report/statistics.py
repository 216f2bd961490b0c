"""How far the accuracies may be trusted: intervals of 95 %, and McNemar's test against the h5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report.evidence import Result, Row
from convert.variants import DEPLOYED
from train.tables import markdown

_NONE = "–"
_COLUMNS = (
    *("model", "top-1", "without copies", "macro-F1", "ECE"),
    *("right: only the h5", "only this", "McNemar, p"),
)


def table(result: Result) -> str:
    """Return the accuracy of each subject with its intervals as a Markdown table."""
    rows = [row for row in result["subjects"] if row["accuracy"]]
    return markdown(_COLUMNS, [(row["name"], *_cells(row["accuracy"])) for row in rows])


def held_out(result: Result) -> str | None:
    """Return the same of the user's test split, None where there was none."""
    rows = [(row["name"], (row["accuracy"] or {}).get("test")) for row in result["subjects"]]
    lines = [(name, *_cells(accuracy)) for name, accuracy in rows if accuracy]
    return markdown(_COLUMNS, lines) if lines else None


def recall(result: Result) -> str | None:
    """Return the recall of each label by the int8 files as a Markdown table, None without any."""
    rows = [r for r in result["subjects"] if r["accuracy"] and r["variant"] == DEPLOYED]
    if not rows:
        return None
    names = rows[0]["accuracy"]["per_class"]
    lines = [(n, str(names[n]["support"]), *(_recall(row, n) for row in rows)) for n in names]
    return markdown(("label", "images", *(row["name"] for row in rows)), lines)


def _recall(row: Row, label: str) -> str:
    figures = row["accuracy"]
    share = figures["per_class"][label]["recall"]
    return _share(share, figures["intervals"]["recall"][label])


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    intervals, test = figures["intervals"], figures["mcnemar"]
    low, high = intervals["macro_f1"]
    return (
        _share(figures["top1"], intervals["top1"]),
        _share(figures["top1_without_copies"], intervals["top1_without_copies"]),
        f"{figures['macro_f1']:.3f} ({low:.3f}–{high:.3f})",
        _share(figures["calibration_error"], intervals["calibration_error"]),
        str(test["only_h5"]) if test else _NONE,
        str(test["only_this"]) if test else _NONE,
        f"{test['p']:.2g}" if test else _NONE,
    )


def _share(value: float, ends: Sequence[float]) -> str:
    low, high = ends
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"
