"""Which file to deploy on a device, by a rule that a reader can check in the tables.

Among the TFLite files of the deployed model that ran: those whose predictions are worse than their
h5's (McNemar, p < 0.05) are left out. Of the others the fastest wins; as fast is one whose interval
begins below 1.1 times the fastest's. Among these the smaller one wins (from 0.1 MB on), then the
one that is deployed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.compare import MARGIN
from benchmarks.results import Accuracy, Bench, Row, Times
from convert.variants import NAMES

_ALIKE = 100_000
"""Bytes by which the sizes of two files may differ and be alike."""
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Choice:
    """What to deploy: the ``row``, the times of a face, and the accuracy where it is known.

    Without a row, ``reason`` says why; with one, what decided.
    """

    reason: str
    row: Row | None = None
    face: Times | None = None
    accuracy: Accuracy | None = None


def accuracy_of(row: Row, others: Sequence[Bench]) -> Accuracy | None:
    """Return the accuracy of ``row``, or what another device measured of the same file."""
    same = (
        each.accuracy
        for other in others
        for each in other.rows
        if each.accuracy and (each.name, each.sha256) == (row.name, row.sha256)
    )
    return row.accuracy or next(same, None)


def choose(run: Bench, others: Sequence[Bench] = ()) -> Choice:
    """Apply the rule; ``others`` are runs that lend the accuracy of the same files."""
    if run.invalid:
        return Choice(f"the run is invalid: {run.invalid}")
    rows = [row for row in run.rows if row.variant in NAMES]
    models = [row.model for row in sorted(rows, key=lambda row: not row.deployed)]
    ran = [row for row in rows if row.model == models[0] and not row.error and row.at()]
    if not ran:
        return Choice("no TFLite file ran")
    kept = [row for row in ran if not _worse(accuracy_of(row, others))]
    if not kept:
        return Choice("every TFLite file is less accurate than the h5")
    best, reason = _settle(kept)
    return Choice(reason, best, best.at(), accuracy_of(best, others))


def _worse(accuracy: Accuracy | None) -> bool:
    """Whether predictions are worse than the h5's; what isn't known is not."""
    test = accuracy.whole.versus_h5 if accuracy else None
    return bool(test and test.p < _LEVEL and test.only_h5 > test.only_this)


def _settle(rows: Sequence[Row]) -> tuple[Row, str]:
    fastest = min(rows, key=lambda row: _times(row).relative.value)
    limit = MARGIN * _times(fastest).relative.value
    equal = [row for row in rows if _times(row).relative.low <= limit]
    if len(equal) == 1:
        return fastest, "the fastest"
    least = min(row.bytes or 0 for row in equal)
    small = [row for row in equal if (row.bytes or 0) - least < _ALIKE]
    best = min(small, key=lambda row: (not row.deployed, _times(row).relative.value))
    if len(small) == 1:
        return best, "the smallest of the fastest"
    return best, "deployed already" if best.deployed else "the fastest of the smallest"


def _times(row: Row) -> Times:
    times = row.at()
    assert times, "only rows that ran are compared"
    return times
