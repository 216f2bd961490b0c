"""The tables, for documents and for a terminal, all from the results file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.errors import BenchmarkError
from benchmarks.figures import accuracy_figure, latency_figure
from benchmarks.results import measured, run_with
from convert.variants import DEPLOYED
from edge.files import write_text
from train.report import save_figure
from train.tables import markdown

_COLUMNS = (
    *("model", "size", "top-1", "without copies", "macro-F1", "FER+ top-1"),
    *("ms a face, p50 / p95 / p99", "2 threads, p50 / p95 / p99", "loop FPS"),
)
_TARGETS = (
    *("int8 file of", "top-1", "without copies", "FER+ top-1", "macro-F1"),
    *("lost against float32", "ECE", "size", "time against seed in float32"),
    "M multiply-accumulates",
)
_TABLE = "benchmark.md"
_SEED = "seed"
_IMAGES = "FER2013's public test split (`images/validation`), one crop, no averaging over copies"


def table(result: Mapping[str, Any]) -> str:
    """Return the results as a Markdown table with a line that says where it was measured."""
    rows = [
        (
            f"**{subject['name']}** (deployed)" if subject["deployed"] else subject["name"],
            *_cells(subject, ("p50", "p95", "p99"), " / "),
        )
        for subject in result["subjects"]
    ]
    litert = result["versions"]["ai-edge-litert"]
    tensorflow = result["versions"]["tensorflow"]
    versions = f"; ai-edge-litert {litert}, tensorflow {tensorflow}"
    note = (
        f"{measured(result, 'make bench', versions)}. One thread unless "
        "said; the loop is detection, crop, classification and tracking of one face in 640×360 "
        "frames in memory. Top-1 is against FER2013's labels, and against the majority of the FER+ "
        "taggers. Times vary from run to run and with the load; compare within the table."
    )
    return f"{markdown(_COLUMNS, rows)}\n\n{note}"


def targets(result: Mapping[str, Any]) -> str:
    """Return what each model's int8 file is worth on a device, as a Markdown table.

    The time is that of one face at one thread as a part of the float32 seed network's in the same
    run, which varies less between machines than milliseconds do.
    """
    rows = {(subject["model"], subject["variant"]): subject for subject in result["subjects"]}
    seed = rows.get((_SEED, "float32"))
    lines = [
        (model, *_target_cells(row, rows.get((model, "float32")), seed))
        for (model, variant), row in rows.items()
        if variant == DEPLOYED and row["accuracy"]
    ]
    note = f"{measured(result, 'make bench')}, on {_IMAGES}; one thread, p50."
    return f"{markdown(_TARGETS, lines)}\n\n{note}"


def _target_cells(
    row: Mapping[str, Any], whole: Mapping[str, Any] | None, seed: Mapping[str, Any] | None
) -> Iterator[str]:
    figures, votes = row["accuracy"], row["accuracy"]["votes"]
    yield f"{figures['top1']:.2%}"
    yield f"{figures['top1_without_copies']:.2%}"
    yield f"{votes['top1']:.2%}" if votes else "–"
    yield f"{figures['macro_f1']:.3f}"
    known = whole and whole["accuracy"]
    yield f"{100 * (known['top1'] - figures['top1']):.2f} points" if known else "–"
    yield f"{figures['calibration_error']:.1%}"
    yield f"{row['bytes'] / 1e6:.2f} MB"
    own, other = run_with(row), seed and run_with(seed)
    yield f"{own['face_ms']['p50'] / other['face_ms']['p50']:.2f} ×" if own and other else "–"
    count = row["multiply_accumulates"]
    yield f"{count / 1e6:.1f}" if count else "–"


def terminal_table(result: Mapping[str, Any]) -> Table:
    """Return the results for a terminal of 80 columns."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption="ms a face: p50, one thread")
    shown.add_column("model", no_wrap=True)
    for column in ("size", "top-1", "F1", "FER+", "ms", "FPS"):
        shown.add_column(column, justify="right", no_wrap=True)
    for subject in result["subjects"]:
        size, top1, _, f1, votes, milliseconds, _, fps = _cells(subject, ("p50",), "")
        cells = (size, top1, f1, votes, milliseconds, fps)  # what 80 columns have room for
        style = "bold" if subject["deployed"] else ""
        shown.add_row(subject["name"], *cells, style=style)
    return shown


def write_report(folder: Path, result: Mapping[str, Any]) -> None:
    """Write the table and the two figures into ``folder``.

    A figure that has nothing to show is removed: the one of an earlier run must not pass for new.
    """
    write_text(folder / _TABLE, "# Benchmark\n\n" + table(result) + "\n")
    measured = [subject for subject in result["subjects"] if run_with(subject)]
    figures = {
        "latency.png": (latency_figure, measured),
        "accuracy_latency.png": (accuracy_figure, [row for row in measured if row["accuracy"]]),
    }
    for name, (draw, rows) in figures.items():
        if rows:
            save_figure(draw(rows), folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


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


def _cells(subject: Mapping[str, Any], percentiles: Sequence[str], between: str) -> tuple[str, ...]:
    """Everything that is known of ``subject`` but its name, as text."""
    size = "missing" if subject["bytes"] is None else f"{subject['bytes'] / 1e6:.2f} MB"
    accuracy = subject["accuracy"]
    shares = ("–", "–", "–", "–")
    if accuracy:
        votes = accuracy["votes"]
        shares = (
            f"{accuracy['top1']:.2%}",
            f"{accuracy['top1_without_copies']:.2%}",
            f"{accuracy['macro_f1']:.3f}",
            f"{votes['top1']:.2%}" if votes else "–",
        )
    runs = [run_with(subject, threads) for threads in (1, 2)]
    times = [
        between.join(_time(run["face_ms"][percentile]) for percentile in percentiles)
        if run
        else "–"
        for run in runs
    ]
    return (size, *shares, *times, f"{runs[0]['fps']:.0f}" if runs[0] else "–")


def _time(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.1f}"
