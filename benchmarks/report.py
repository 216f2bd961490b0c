"""The table and the figures, all from the results file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from edge.files import write_text
from train.report import save_figure

START, END = "<!-- results -->", "<!-- /results -->"
_COLUMNS = (
    *("model", "size", "top-1", "without copies", "macro-F1"),
    *("ms a face, p50 / p95 / p99", "2 threads, p50 / p95 / p99", "loop FPS"),
)
_TABLE = "benchmark.md"
_COLOURS = {True: "#0b6e4f", False: "#9aa5b1"}


def table(result: Mapping[str, Any]) -> str:
    """Return the results as a Markdown table with a line that says where it was measured."""
    rows = [_COLUMNS, ("---", *["---:"] * (len(_COLUMNS) - 1))]
    rows += [_row(subject) for subject in result["subjects"]]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    litert = result["versions"]["ai-edge-litert"]
    tensorflow = result["versions"]["tensorflow"]
    note = (
        f"Measured by `make bench` on {result['machine']} (commit {result['commit']}, "
        f"{result['date']}; ai-edge-litert {litert}, tensorflow {tensorflow}). One thread unless "
        "said; the loop is detection, crop, classification and tracking of one face in 640×360 "
        "frames in memory. Times vary from run to run; ratios within the table hold."
    )
    return "\n".join([*lines, "", note])


def write_report(folder: Path, result: Mapping[str, Any]) -> None:
    """Write the table and the two figures into ``folder``."""
    write_text(folder / _TABLE, "# Benchmark\n\n" + table(result) + "\n")
    save_figure(latency_figure(result), folder / "latency.png")
    if any(subject["accuracy"] for subject in result["subjects"]):
        save_figure(accuracy_figure(result), folder / "accuracy_latency.png")


def insert(document: str, text: str) -> str:
    """Return ``document`` with ``text`` between its two markers; ``ValueError`` without them."""
    before, rest = document.split(START, 1)
    _, after = rest.split(END, 1)
    return f"{before}{START}\n{text}\n{END}{after}"


def latency_figure(result: Mapping[str, Any]) -> Figure:
    """Draw p50 with p95 as whisker, for one face at one thread, on a logarithmic axis."""
    rows = [(subject, run) for subject in result["subjects"] if (run := _single(subject))]
    figure = Figure(figsize=(8, 0.55 * len(rows) + 1.4), layout="constrained")
    axes = figure.subplots()
    for place, (subject, run) in enumerate(reversed(rows)):
        times = run["face_ms"]
        axes.barh(place, times["p50"], color=_COLOURS[subject["deployed"]])
        axes.plot([times["p50"], times["p95"]], [place, place], color="black", linewidth=1)
        text = f"  {times['p50']:.2f} ms"
        axes.text(max(times["p95"], times["p50"]), place, text, va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [subject["name"] for subject, _ in reversed(rows)])
    axes.set_xscale("log")
    axes.set_xlim(right=4 * max(run["face_ms"]["p95"] for _, run in rows))
    axes.set_xlabel("milliseconds a face, one thread: p50 (bar) to p95 (line), logarithmic")
    axes.set_title("Latency; the deployed model in green")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def accuracy_figure(result: Mapping[str, Any]) -> Figure:
    """Draw top-1 against the p50 of one face; the area of a point is the size of the file."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    markers = iter("osD^vP*X")
    for subject in result["subjects"]:
        run = _single(subject)
        if not run or not subject["accuracy"]:
            continue
        axes.scatter(
            run["face_ms"]["p50"],
            100 * subject["accuracy"]["top1"],
            s=40 + 25 * subject["bytes"] / 1e6,
            marker=next(markers),
            color=_COLOURS[subject["deployed"]],
            edgecolor="black",
            linewidth=0.8,
            label=f"{subject['name']} ({subject['bytes'] / 1e6:.1f} MB)",
        )
    low, high = axes.get_ylim()
    middle = (low + high) / 2
    axes.set_ylim(min(low, middle - 1), max(high, middle + 1))
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a face, one thread, p50, logarithmic")
    axes.set_ylabel("top-1 on the validation split, %")
    axes.set_title("Accuracy against latency; the deployed model in green")
    axes.grid(alpha=0.3)
    axes.legend(title="area: size of the file", loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _row(subject: Mapping[str, Any]) -> tuple[str, ...]:
    name = f"**{subject['name']}** (deployed)" if subject["deployed"] else subject["name"]
    size = "missing" if subject["bytes"] is None else f"{subject['bytes'] / 1e6:.2f} MB"
    accuracy = subject["accuracy"]
    shares = ("–", "–", "–")
    if accuracy:
        shares = (
            f"{accuracy['top1']:.2%}",
            f"{accuracy['top1_without_copies']:.2%}",
            f"{accuracy['macro_f1']:.3f}",
        )
    single = _single(subject)
    fps = f"{single['fps']:.0f}" if single else "–"
    return (name, size, *shares, _times(single), _times(_single(subject, 2)), fps)


def _times(run: Mapping[str, Any] | None) -> str:
    return " / ".join(f"{value:.2f}" for value in run["face_ms"].values()) if run else "–"


def _single(subject: Mapping[str, Any], threads: int = 1) -> Mapping[str, Any] | None:
    return next((run for run in subject["runs"] if run["threads"] == threads), None)
