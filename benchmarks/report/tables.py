"""The tables of a device, for documents and for a terminal, all from its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.errors import BenchmarkError
from benchmarks.report.evidence import labels, replaced_since, with_accuracy
from benchmarks.report.text import NONE, known
from benchmarks.results import COMMAND, measured, run_with
from convert.variants import DEPLOYED
from train.tables import markdown

_COLUMNS = ("model", "size", "top-1", "without copies", "macro-F1", "FER+ top-1")
_TARGETS = (
    *("int8 file of", "top-1", "without copies", "FER+ top-1", "macro-F1", "without copies"),
    *("lost against float32", "ECE", "size"),
)
_TIME = "time against seed in float32"
_IMAGES = (
    "FER2013's public test split (`images/validation`), one crop, no averaging over copies; this "
    "split also steered the choice of the recipes and the temperature, so that it isn't untouched"
)


def table(result: Mapping[str, Any]) -> str:
    """Return the results as a Markdown table with a line that says where it was measured."""
    threads = sorted({run["threads"] for row in result["subjects"] for run in row["runs"]} | {1})
    rows = [
        (
            f"**{subject['name']}** (deployed)" if subject["deployed"] else subject["name"],
            *_accuracy(subject),
            *(_times(subject, count, ("p50", "p95", "p99"), " / ") for count in threads),
            _fps(subject),
        )
        for subject in result["subjects"]
    ]
    columns = [
        f"{'ms a face' if count == 1 else f'{count} threads'}, p50 / p95 / p99" for count in threads
    ]
    litert = result["versions"]["ai-edge-litert"]
    tensorflow = result["versions"]["tensorflow"]
    versions = f"; ai-edge-litert {litert}, tensorflow {tensorflow}"
    note = (
        f"{measured(result, COMMAND, versions)}. One thread unless "
        "said; the loop is detection, crop, classification and tracking of one face in 640×360 "
        "frames in memory. Top-1 is against FER2013's labels, and against the majority of the FER+ "
        "taggers. Times vary from run to run and with the load; compare TFLite files at one number "
        "of threads, which took turns in the same rounds; the h5 of each model ran in rounds of "
        "their own."
    )
    return f"{markdown((*_COLUMNS, *columns, 'loop FPS'), rows)}\n\n{note}"


def targets(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what each model's int8 file is worth on a device, as a Markdown table.

    Accuracy and size once, from the newest result of ``found`` that has them, and for each device
    the time of one face at one thread as a part of the float32 seed network's in the same run,
    which varies less between machines than milliseconds do.
    """
    newest = with_accuracy(found)
    rows = {(row["model"], row["variant"]): row for row in newest["subjects"]} if newest else {}
    lines = [
        (
            model,
            *_accuracy_cells(row, rows.get((model, "float32"))),
            *(_against_seed(result, model) for result in found),
            f"{row['multiply_accumulates'] / 1e6:.1f}" if row["multiply_accumulates"] else NONE,
        )
        for (model, variant), row in rows.items()
        if variant == DEPLOYED and row["accuracy"]
    ]
    alone = len(found) == 1
    times = [_TIME if alone else f"{_TIME}, {label}" for label in labels(found)]
    table = markdown((*_TARGETS, *times, "M multiply-accumulates"), lines)
    return "\n\n".join((table, *_origins(newest, found)))


def _origins(newest: Mapping[str, Any] | None, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the accuracy and the times of ``targets`` are from."""
    if newest and len(found) == 1:
        return [f"{measured(newest, COMMAND)}, on {_IMAGES}; one thread, p50."]
    accuracy = [f"Accuracy: {_lower(measured(newest, COMMAND))}, on {_IMAGES}."] if newest else []
    dates = "; ".join(
        f"{label} ({_when(result, newest)})"
        for label, result in zip(labels(found), found, strict=True)
    )
    return [*accuracy, f"Times, one thread, p50: {dates}."]


def _when(result: Mapping[str, Any], newest: Mapping[str, Any] | None) -> str:
    facts = [f"commit {result['commit']}", result["date"]]
    if newest and replaced_since(result, newest):
        facts.append("of files that have been replaced since")
    if result["void"]:
        facts.append("void")
    return ", ".join(facts)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _against_seed(result: Mapping[str, Any], model: str) -> str:
    """The time of the int8 file of ``model`` as a part of the float32 seed network's."""
    rows = {(row["model"], row["variant"]): row for row in result["subjects"]}
    row = rows.get((model, DEPLOYED))
    run = row and run_with(row)
    return f"{run['against_seed']['ratio']:.2f} ×" if run and run["against_seed"] else NONE


def _accuracy_cells(row: Mapping[str, Any], whole: Mapping[str, Any] | None) -> Iterator[str]:
    figures, votes = row["accuracy"], row["accuracy"]["votes"]
    yield f"{figures['top1']:.2%}"
    yield f"{figures['top1_without_copies']:.2%}"
    yield f"{votes['top1']:.2%}" if votes else NONE
    yield f"{figures['macro_f1']:.3f}"
    yield f"{figures['macro_f1_without_copies']:.3f}"
    before = whole and whole["accuracy"]
    yield f"{100 * (before['top1'] - figures['top1']):.2f} points" if before else NONE
    yield f"{figures['calibration_error']:.1%}"
    yield NONE if row["bytes"] is None else f"{row['bytes'] / 1e6:.2f} MB"


def terminal_table(result: Mapping[str, Any]) -> Table:
    """Return the results for a terminal of 80 columns."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption="ms a face: p50, one thread")
    shown.add_column("model", no_wrap=True)
    for column in ("size", "top-1", "F1", "FER+", "ms", "FPS"):
        shown.add_column(column, justify="right", no_wrap=True)
    for subject in result["subjects"]:
        size, top1, _, f1, votes = _accuracy(subject)
        milliseconds = _times(subject, 1, ("p50",), "")
        cells = (
            size,
            top1,
            f1,
            votes,
            milliseconds,
            _fps(subject),
        )  # what 80 columns have room for
        style = "bold" if subject["deployed"] else ""
        shown.add_row(subject["name"], *cells, style=style)
    return shown


def insert(document: str, section: str, text: str, name: str = "document") -> str:
    """Return ``document`` with ``text`` between the two markers of ``section``.

    ``name`` is for messages. Raises ``BenchmarkError`` where the markers are missing.
    """
    first, last = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, start, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise BenchmarkError(f"{name}: expected {first} and {last}, found none; add them")
    return f"{before}{first}\n{text}\n{last}{after}"


def _accuracy(subject: Mapping[str, Any]) -> tuple[str, ...]:
    """The size of the file of ``subject``, and how often it is right."""
    size = "missing" if subject["bytes"] is None else f"{subject['bytes'] / 1e6:.2f} MB"
    accuracy = subject["accuracy"]
    if not accuracy:
        return (size, NONE, NONE, NONE, NONE)
    votes = accuracy["votes"]
    return (
        size,
        f"{accuracy['top1']:.2%}",
        f"{accuracy['top1_without_copies']:.2%}",
        f"{accuracy['macro_f1']:.3f}",
        f"{votes['top1']:.2%}" if votes else NONE,
    )


def _times(
    subject: Mapping[str, Any], threads: int, percentiles: Sequence[str], between: str
) -> str:
    run = run_with(subject, threads)
    return between.join(known(run["face_ms"][p]) for p in percentiles) if run else NONE


def _fps(subject: Mapping[str, Any]) -> str:
    run = run_with(subject)
    return f"{run['fps']:.0f}" if run else NONE
