"""Which file to deploy on a device, by a rule that a reader can check in the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report.evidence import Result, Row, accuracy_of
from benchmarks.results import run_with
from convert.variants import NAMES

RULE = (
    "The recommendation is among the TFLite files of the deployed model, or of the first one where "
    "that was not measured, that ran without an error. Left out is a file whose answers are worse "
    "than those of its h5 (McNemar's test, p below 0.05), or, where there is no h5 to compare "
    "with, whose top-1 lies below the interval of the best. Of the others the fastest at one face "
    "and one thread wins; one whose interval of p50 overlaps with its own is as fast. Among these "
    "a smaller file wins, then less memory, both by more than 5 %, then the file that is deployed "
    "already. A run that is void recommends nothing."
)
_LEVEL = 0.05
"""Of McNemar's test."""
_AS_SMALL = 1.05
"""What is up to so many times as large is no larger."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The row to deploy, None where there is none, and the reason in words."""

    row: Row | None
    reason: str


def choose(result: Result, other: Result | None = None) -> Choice:
    """Apply the rule to ``result``; ``other`` lends it the accuracy that it lacks."""
    if result["void"]:
        return Choice(None, f"the run does not count, because {result['void']}")
    rows = _candidates(result)
    failed = [row["variant"] for row in rows if row["error"] or not run_with(row)]
    ran = [row for row in rows if row["variant"] not in failed]
    if not ran:
        return Choice(None, "none of the TFLite files ran")
    accuracies = {row["variant"]: accuracy_of(row, other) for row in ran}
    kept = [row for row in ran if not _worse(accuracies, row["variant"])]
    if not kept:
        return Choice(None, "all TFLite files that ran are less accurate than the h5 beyond chance")
    best, speed = _settle(kept)
    worse = [row["variant"] for row in ran if row not in kept]
    unknown = [variant for variant, accuracy in accuracies.items() if accuracy is None]
    remarks = [
        f"{_listed(names)} {_verb(names)} {what}"
        for names, what in (
            (worse, "left out as less accurate"),
            (failed, "left out because of an error"),
        )
        if names
    ]
    if unknown:
        remarks.append(f"the accuracy of {_listed(unknown)} is not known")
    elif not worse:
        remarks.append("no file that ran is less accurate beyond chance")
    return Choice(best, "; ".join((f"it is {speed}", *remarks)))


def sentence(result: Result, other: Result | None = None) -> str:
    """Return the recommendation for the device of ``result``, to stand after its name."""
    choice = choose(result, other)
    row, run = choice.row, choice.row and run_with(choice.row)
    if not (row and run):
        return f"no recommendation: {choice.reason}."
    accuracy = accuracy_of(row, other)
    facts = [f"{run['face_ms']['p50']:.2f} ms a face at one thread"]
    if row["bytes"] is not None:
        facts.append(f"{row['bytes'] / 1e6:.2f} MB")
    if accuracy:
        lent = f" (measured on {other['machine']})" if other and not row["accuracy"] else ""
        facts.append(f"{accuracy['top1']:.1%} top-1{lent}")
    return f"deploy **{row['name']}** (`{row['file']}`), {', '.join(facts)}; {choice.reason}."


def _candidates(result: Result) -> list[Row]:
    """The TFLite rows of the deployed model, or of the first."""
    rows = [row for row in result["subjects"] if row["variant"] in NAMES]
    models = [row["model"] for row in sorted(rows, key=lambda row: not row["deployed"])]
    return [row for row in rows if row["model"] == models[0]]


def _worse(accuracies: Mapping[str, Mapping[str, Any] | None], variant: str) -> bool:
    """Whether its accuracy speaks against ``variant``; one that isn't known does not."""
    own = accuracies[variant]
    if own is None:
        return False
    if test := own["mcnemar"]:
        return bool(test["p"] < _LEVEL and test["only_h5"] > test["only_this"])
    best = max(filter(None, accuracies.values()), key=lambda accuracy: accuracy["top1"])
    return bool(own["top1"] < best["intervals"]["top1"][0])


def _settle(rows: Sequence[Row]) -> tuple[Row, str]:
    """The best of ``rows`` by speed, then size, memory, and what is deployed, and what decided."""
    fastest = min(rows, key=_milliseconds)
    limit = _interval(fastest)[1]
    equal = [row for row in rows if _interval(row)[0] <= limit]
    if len(equal) == 1:
        return fastest, "the fastest"
    left, reason = equal, ""
    for measure, words in ((_bytes, "smaller"), (_memory, "smaller in memory")):
        least = min(map(measure, left))
        left = [row for row in left if measure(row) <= _AS_SMALL * least]
        if len(left) == 1:
            reason = words
            break
    best = min(left, key=lambda row: (not row["deployed"], _milliseconds(row)))
    reason = reason or ("deployed already" if best["deployed"] else "no larger")
    others = [row["variant"] for row in equal if row is not best]
    return best, f"as fast as {_listed(others)} within the noise, and {reason}"


def _run(row: Row) -> Mapping[str, Any]:
    run = run_with(row)
    assert run is not None, "only those that ran are compared"
    return run


def _milliseconds(row: Row) -> float:
    return float(_run(row)["face_ms"]["p50"])


def _interval(row: Row) -> Sequence[float]:
    return list(_run(row)["face_ms_interval"]["p50"])


def _bytes(row: Row) -> float:
    return float(row["bytes"] or 0)


def _memory(row: Row) -> float:
    return float(_run(row)["memory_mb"])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]


def _verb(names: Sequence[str]) -> str:
    return "are" if names[1:] else "is"
