"""The report of a scan: one self-contained HTML page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edge.assets import extra
from edge.errors import EdgeError
from edge.files import write_text
from edge.scan.charts import clock, colours
from edge.scan.contents import Totals, listed_videos, shares, sorted_parts
from edge.scan.results import FAILURES, require_scan
from edge.text import visible

REPORT = "report.html"
_LISTED_FAILURES = 1000
_OPEN_VIDEOS = 3
"""So many are open when the page is."""


class Failure(NamedTuple):
    """A line of ``failures.csv``."""

    file: str
    reason: str


def write_report(results: Path) -> Path:
    """Write the page about the results in the folder ``results`` into it; return its path.

    Holds one file of the scan at a time, and the page. Raises ``TargetError`` where the folder has
    no scan, ``SourceFileError`` where it has something else among the parts, ``EdgeError`` where a
    package is missing, and ``OSError``.
    """
    environment = _environment()
    scan = require_scan(results)
    labels: list[str] = scan["labels"]
    every: float = scan["settings"].get("every", 0.0)
    videos, pictures = sorted_parts(results, labels)
    totals = Totals(np.zeros((2, len(labels))))
    template = environment.get_template("report_video.html.j2")
    # The totals are complete once the last video has its section.
    sections = [
        template.render(number=number, video=video, open=len(videos) <= _OPEN_VIDEOS)
        for number, video in enumerate(listed_videos(videos, labels, totals, every), 1)
    ]
    failures = _read_failures(results / FAILURES)
    text = environment.get_template("report.html.j2").render(
        scan=scan,
        totals=totals,
        shares=shares(totals.weights, labels),
        sections=sections,
        pictures=pictures,
        picture_shares=shares(pictures.weights, labels),
        failures=failures[:_LISTED_FAILURES],
        failed=len(failures),
        colours=colours(len(labels)),
    )
    target = results / REPORT
    write_text(target, text)
    return target


def _read_failures(path: Path) -> list[Failure]:
    try:
        with path.open(encoding="utf-8", errors="backslashreplace", newline="") as file:
            return [Failure(row["file"], row["reason"]) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def _environment() -> Any:
    """Return Jinja's, with what the templates call."""
    try:
        import jinja2  # noqa: PLC0415 - an option
        import pyarrow  # noqa: F401, PLC0415
    except ImportError as error:
        raise EdgeError(
            f"report: expected the packages 'jinja2' and 'pyarrow', found no '{error.name}'; "
            f"{extra('scan')}"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": clock, "visible": visible, "percent": _percent, "text": _text}
    return environment


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
