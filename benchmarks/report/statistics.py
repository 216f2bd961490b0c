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
_SHARES = ("top1", "macro_f1")


def table(result: Result) -> str:
    """Return the accuracy of each subject with its intervals as a Markdown table."""
    return _table([(row["name"], row["accuracy"]) for row in _rated(result)])


def without_copies(result: Result) -> str:
    """Return the same of the images without a copy in the training split."""
    return _table([(row["name"], _alone(row["accuracy"])) for row in _rated(result)])


def held_out(result: Result) -> str | None:
    """Return the same of the user's test split, None where there was none."""
    rows = [(row["name"], (row["accuracy"] or {}).get("test")) for row in result["subjects"]]
    lines = [(name, accuracy) for name, accuracy in rows if accuracy]
    return _table(lines) if lines else None


def recall(result: Result, *, alone: bool = False) -> str | None:
    """Return the recall of each label by the int8 files and the deployed one's h5, None without.

    With ``alone`` of the images without a copy in the training split.
    """
    h5 = [row for row in compared(result) if row["variant"] in H5]
    rows = [*h5, *(row for row in _rated(result) if row["variant"] == DEPLOYED)]
    figures = [_alone(row["accuracy"]) if alone else row["accuracy"] for row in rows]
    figures = [each for each in figures if each.get("per_class")]
    if not figures or len(figures) < len(rows):
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


def _alone(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the images without copies; of before they were kept, two of them."""
    own = dict(figures.get("without_copies") or {})
    intervals = dict(own.get("intervals") or {})
    for name in _SHARES:
        own.setdefault(name, figures.get(f"{name}_without_copies"))
        intervals.setdefault(name, figures["intervals"].get(f"{name}_without_copies"))
    return own | {"intervals": intervals}


def _table(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    return markdown(_COLUMNS, [(name, *_cells(figures)) for name, figures in rows])


def _recall(figures: Mapping[str, Any], label: str) -> str:
    share = figures["per_class"][label]["recall"]
    return _share(share, (figures["intervals"].get("recall") or {}).get(label))


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    intervals, test = figures["intervals"], figures.get("mcnemar")
    return (
        _share(figures["top1"], intervals.get("top1")),
        known(figures["macro_f1"], intervals.get("macro_f1"), 3),
        _share(figures.get("calibration_error"), intervals.get("calibration_error")),
        str(test["only_h5"]) if test else NONE,
        str(test["only_this"]) if test else NONE,
        f"{test['p']:.2g}" if test else NONE,
    )


def _share(value: float | None, ends: Sequence[float] | None) -> str:
    """Per cent."""
    if value is None:
        return NONE
    if ends is None:
        return f"{value:.1%}"
    low, high = ends
    return f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})"
