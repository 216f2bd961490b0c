"""How far the accuracies may be trusted: intervals of 95 %, and McNemar's test against the h5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report.evidence import Result, Row
from benchmarks.report.text import NONE, known
from benchmarks.subjects import COMPILED, PREDICT
from convert.variants import DEPLOYED
from train.tables import markdown

H5 = (f"h5, {COMPILED}", f"h5, {PREDICT}")
"""Of the two ways through an h5 the one that is shown beside the deployed file."""
_COLUMNS = (
    *("model", "top-1", "macro-F1", "ECE"),
    *("right: only the h5", "only this", "McNemar, p"),
)


def table(result: Result) -> str:
    """Return the accuracy of each subject with its intervals as a Markdown table."""
    return _table([(row["name"], row["accuracy"]) for row in _rated(result)])


def without_copies(result: Result) -> str:
    """Return the same of the images without a copy in the training split."""
    return _table([(row["name"], row["accuracy"]["without_copies"]) for row in _rated(result)])


def held_out(result: Result) -> str | None:
    """Return the same of the user's test split, None where there was none."""
    rows = [(row["name"], (row["accuracy"] or {}).get("test")) for row in result["subjects"]]
    lines = [(name, accuracy) for name, accuracy in rows if accuracy]
    return _table(lines) if lines else None


def recall(result: Result, *, alone: bool = False) -> str | None:
    """Return the recall of each label by the int8 files and the deployed one's h5, None without.

    With ``alone`` of the images without a copy in the training split, None where there are none.
    """
    h5 = [row for row in compared(result) if row["variant"] in H5]
    rows = [*h5, *(row for row in _rated(result) if row["variant"] == DEPLOYED)]
    figures = [row["accuracy"]["without_copies"] if alone else row["accuracy"] for row in rows]
    if not figures or None in figures:
        return None
    lines = [
        (name, str(own["support"]), *(_recall(each, name) for each in figures))
        for name, own in figures[0]["per_class"].items()
    ]
    return markdown(("label", "images", *(row["name"] for row in rows)), lines)


def compared(result: Result) -> list[Row]:
    """Return the h5 and the int8 file of the deployed model, or of the last, as far as known."""
    rows = _rated(result)
    models = [row["model"] for row in rows if row["deployed"]] or [row["model"] for row in rows]
    own = {row["variant"]: row for row in rows if row["model"] in models[-1:]}
    h5 = [own[variant] for variant in H5 if variant in own][:1]
    return [*h5, *([own[DEPLOYED]] if DEPLOYED in own else [])]


def _rated(result: Result) -> list[Row]:
    return [row for row in result["subjects"] if row["accuracy"]]


def _table(rows: Sequence[tuple[str, Mapping[str, Any] | None]]) -> str:
    return markdown(_COLUMNS, [(name, *_cells(figures)) for name, figures in rows])


def _recall(figures: Mapping[str, Any], label: str) -> str:
    share = figures["per_class"][label]["recall"]
    return _share(share, figures["intervals"]["recall"][label])


def _cells(figures: Mapping[str, Any] | None) -> tuple[str, ...]:
    if figures is None:
        return (NONE,) * len(_COLUMNS[1:])
    intervals, test = figures["intervals"], figures["mcnemar"]
    return (
        _share(figures["top1"], intervals["top1"]),
        known(figures["macro_f1"], intervals["macro_f1"], 3),
        _share(figures["calibration_error"], intervals["calibration_error"]),
        str(test["only_h5"]) if test else NONE,
        str(test["only_this"]) if test else NONE,
        f"{test['p']:.2g}" if test else NONE,
    )


def _share(value: float, ends: Sequence[float]) -> str:
    """Per cent."""
    low, high = ends
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"
