"""Which file to deploy on a device, by a rule that a reader can check in the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.differences import MARGIN
from benchmarks.report.evidence import Result, Row, accuracy_of
from benchmarks.results import run_with
from benchmarks.uncertainty import ratio
from convert.variants import NAMES

RULE = (
    "The recommendation is among the TFLite files of the deployed model, or of the first one where "
    "that was not measured, that ran without an error. The model is the same for all devices; what "
    "speaks for it is in the sentence: how often it names what most people see in a face, the FER+ "
    "majority, and how often FER2013's own label. Left out is a file whose answers are worse "
    "than those of its h5 (McNemar's test, p below 0.05), or, where there is no h5 to compare "
    "with, whose top-1 lies below the interval of the best. Of the others the fastest at one face "
    "and one thread wins. As fast is a file whose time, as a multiple of the fastest's in the same "
    f"rounds, has an interval of 95 % that begins below {MARGIN}, by which two processes of one "
    "file may differ. Among these the smaller one wins, from a tenth of a megabyte on, then the "
    "one that is deployed already, because nothing speaks for a change, then the fastest. Where "
    "the raw samples are missing, no other is as fast. A run that is void recommends nothing."
)
_LEVEL = 0.05
"""Of McNemar's test."""
Lines = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The row to deploy, None where there is none, and the reason in words."""

    row: Row | None
    reason: str


def choose(result: Result, other: Result | None = None, samples: Lines = ()) -> Choice:
    """Apply the rule to ``result`` and its ``samples``; ``other`` lends accuracy that it lacks."""
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
    best, speed = _settle(kept, samples)
    remarks = [
        f"{_listed(names)} {_verb(names)} {what}"
        for names, what in (
            ([row["variant"] for row in ran if row not in kept], "left out as less accurate"),
            (failed, "left out because of an error"),
        )
        if names
    ]
    if unknown := [variant for variant, accuracy in accuracies.items() if accuracy is None]:
        remarks.append(f"the accuracy of {_listed(unknown)} is not known")
    return Choice(best, "; ".join((f"it is {speed}", *remarks)))


def sentence(result: Result, other: Result | None = None, samples: Lines = ()) -> str:
    """Return the recommendation for the device of ``result``, to stand after its name."""
    choice = choose(result, other, samples)
    row, run = choice.row, choice.row and run_with(choice.row)
    if not (row and run):
        return f"no recommendation: {choice.reason}."
    accuracy = accuracy_of(row, other)
    facts = [f"{run['face_ms']['p50']:.2f} ms a face at one thread"]
    if row["bytes"] is not None:
        facts.append(f"{row['bytes'] / 1e6:.2f} MB")
    reasons = [choice.reason]
    if accuracy:
        lent = f" (measured on {other['machine']})" if other and not row["accuracy"] else ""
        facts.append(f"{accuracy['top1']:.1%} top-1{lent}")
        reasons += [_beside_h5(accuracy), _beside_model(row, accuracy, result, other)]
    why = "; ".join(filter(None, reasons))
    return f"deploy **{row['name']}** (`{row['file']}`), {', '.join(facts)}; {why}."


def _beside_h5(accuracy: Mapping[str, Any]) -> str:
    """What the file lost and gained against its h5: no difference beyond chance is not none."""
    test = accuracy["mcnemar"]
    if not test:
        return ""
    return (
        f"of {accuracy['images']:,} images its h5 alone names {test['only_h5']} rightly and it "
        f"alone {test['only_this']} (p = {test['p']:.2g})"
    )


def _beside_model(
    row: Row, accuracy: Mapping[str, Any], result: Result, other: Result | None
) -> str:
    """The same kind of file of the other model with the highest top-1, on both sets of labels."""
    rivals = {
        each["model"]: figures
        for each in result["subjects"]
        if each["variant"] == row["variant"] and each["model"] != row["model"]
        if (figures := accuracy_of(each, other)) and figures["votes"]
    }
    if not rivals or not accuracy["votes"]:
        return ""
    name = max(rivals, key=lambda model: float(rivals[model]["top1"]))
    return (
        f"{row['model']} names what most people see (FER+) in {accuracy['votes']['top1']:.1%} of "
        f"the images and {name} in {rivals[name]['votes']['top1']:.1%}, FER2013's own label in "
        f"{accuracy['top1']:.1%} and {rivals[name]['top1']:.1%}"
    )


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


def _settle(rows: Sequence[Row], samples: Lines) -> tuple[Row, str]:
    """The best of ``rows`` by speed, size and what is deployed, and what decided."""
    fastest, *others = sorted(rows, key=_milliseconds)
    ratios = {row["name"]: _ratio(row, fastest, samples) for row in others}
    equal = [row for row in others if (own := ratios[row["name"]]) and own["interval"][0] < MARGIN]
    if not equal:
        beside = f" (the next is {_times(others[0], ratios[others[0]['name']])})" if others else ""
        return fastest, f"the fastest{beside}"
    best = min((fastest, *equal), key=lambda row: (_size(row), not row["deployed"]))
    smallest = [row for row in (fastest, *equal) if _size(row) == _size(best)]
    reason = "smaller" if len(smallest) < len(equal) + 1 else "the fastest of them"
    if best["deployed"] and len(smallest) > 1:
        reason = "deployed already"
    names = _listed([row["variant"] for row in (fastest, *equal) if row is not best])
    beside = "" if best is fastest else f" ({_times(best, ratios[best['name']])})"
    return best, f"as fast as {names} within the noise{beside}, and {reason}"


def _ratio(row: Row, fastest: Row, samples: Lines) -> Mapping[str, Any] | None:
    """The time of ``row`` as a multiple of the fastest's, None where they shared no rounds."""
    lines = {line["subject"]: line for line in samples if line.get("threads") == 1}
    own, its = (lines.get(each["name"], {}) for each in (row, fastest))
    rounds, of_its = own.get("face_ms"), its.get("face_ms")
    if not rounds or not of_its or len(rounds) != len(of_its):
        return None
    return ratio(rounds, of_its) if own.get("beside") == its.get("beside") else None


def _times(row: Row, known: Mapping[str, Any] | None) -> str:
    if known is None:
        return str(row["variant"])
    low, high = known["interval"]
    return f"{row['variant']}, {known['ratio']:.2f} times as long, {low:.2f}–{high:.2f}"


def _run(row: Row) -> Mapping[str, Any]:
    run = run_with(row)
    assert run is not None, "only those that ran are compared"
    return run


def _milliseconds(row: Row) -> float:
    return float(_run(row)["face_ms"]["p50"])


def _size(row: Row) -> int:
    """In tenths of a megabyte."""
    return round((row["bytes"] or 0) / 1e5)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]


def _verb(names: Sequence[str]) -> str:
    return "are" if names[1:] else "is"
