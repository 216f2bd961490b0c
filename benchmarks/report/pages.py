"""The two pages as files, with the figures that they show."""

from __future__ import annotations

from pathlib import Path

from benchmarks import evaluation, results
from benchmarks.figures.vector import svg
from benchmarks.peers import report as peers
from benchmarks.report import html
from benchmarks.report.evidence import gather
from benchmarks.report.page import build
from edge.files import write_text
from train.report import save_figure

MARKDOWN = "benchmark.md"
HTML = "benchmark.html"
_KINDS = ("accuracy", "latency", "stages")
"""Of the figures that a device has."""
_SHARED = ("confusion.png", "robustness.png")


def write(folder: Path) -> list[str]:
    """Write the report on everything in ``folder`` there; return what it lacks, and why.

    A figure that has nothing to show is removed: the one of an earlier run must not pass for new.
    Raises ``ResultsError`` where there is no device whose results can be read.
    """
    evidence = gather(folder)
    page = build(evidence)
    drawn = {name: draw() for name, draw in page.figures.items()}
    for name, figure in drawn.items():
        save_figure(figure, folder / name)
    known = [f"{path.stem}-{kind}.png" for path in results.devices(folder) for kind in _KINDS]
    for name in {*known, *_SHARED} - drawn.keys():
        (folder / name).unlink(missing_ok=True)
    write_text(folder / MARKDOWN, page.text)
    shown = {name: svg(figure, name) for name, figure in drawn.items()}
    write_text(folder / HTML, html.render(page.text, shown))
    return [*evidence.missing, *results.passed_over(folder, {evaluation.NAME, peers.NAME})]
