"""What a run of the benchmarks says in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from benchmarks.compare import Finding
from benchmarks.results import Bench, Estimate


def bench_table(run: Bench) -> Table:
    """Return the variants in 80 columns: p50 of one face at one thread, in milliseconds."""
    shown = _table("model", ("size", "top-1", "FER+", "ms", "p99", "MB"))
    for row in run.rows:
        face, whole = row.at(), row.accuracy.whole if row.accuracy else None
        shown.add_row(
            row.name,
            "–" if row.bytes is None else f"{row.bytes / 1e6:.2f} MB",
            _shown(whole.top1 if whole else None, "{:.2%}"),
            _shown(whole.votes_top1 if whole else None, "{:.2%}"),
            _shown(face.p50 if face else None, "{:.3f}"),
            _shown(face.p99 if face else None, "{:.3f}"),
            "–" if row.memory_mb is None else f"{row.memory_mb:.0f}",
            style="bold" if row.deployed else "",
        )
    return shown


def compare_table(found: Sequence[Finding]) -> Table:
    """Return what changed between two runs."""
    shown = _table("", ("before", "now", "change", "verdict"))
    for each in found:
        if each.verdict:
            shown.add_row(each.what, each.base, each.new, each.change, each.verdict)
    return shown


def _table(first: str, others: Sequence[str]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    shown.add_column(first)
    for column in others:
        shown.add_column(column, justify="right", no_wrap=True)
    return shown


def _shown(estimate: Estimate | None, form: str) -> str:
    return form.format(estimate.value) if estimate else "–"
