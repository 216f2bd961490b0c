"""What becomes of the results of a device when there are new ones: the more complete ones stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.errors import ResultsError

_NAMED = 4
"""Of the parts that a run lacks, how many a message names."""


def last(path: Path) -> Path:
    """Return where the last run of a device is: at ``path``, or beside it where it had less."""
    found = [each for each in (path, results.partial(path)) if each.exists()]
    return max(found, key=lambda each: each.stat().st_mtime_ns, default=path)


def shortcoming(path: Path, result: Mapping[str, Any], models: Set[str]) -> str | None:
    """Say why ``result`` is not to replace the one at ``path``, None where it may.

    That one is kept where it counts and has all ``models``, and the ``result`` doesn't count, lacks
    one of them or anything else that is known of them, or has fewer rounds.
    """
    try:
        old = results.read(path)
    except ResultsError:
        return None
    if old["void"] or not models <= _measured_models(old):
        return None
    if result["void"]:
        return "does not count"
    if lacking := sorted(models - _measured_models(result)) or _lacking(old, result, models):
        further = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        return f"lacks {', '.join(lacking[:_NAMED])}{further}"
    rounds, before = (each["effort"]["rounds"] for each in (result, old))
    return f"has {rounds} rounds where that has {before}" if rounds < before else None


def _measured_models(result: Mapping[str, Any]) -> set[str]:
    return {row["model"] for row in result["subjects"] if row["runs"]}


def _lacking(old: Mapping[str, Any], result: Mapping[str, Any], models: Set[str]) -> list[str]:
    """What is known of ``models`` in the ``old`` result alone."""
    known = set(_known(result, models))
    return [part for part in _known(old, models) if part not in known]


def _known(result: Mapping[str, Any], models: Set[str]) -> Iterator[str]:
    """Each part that was measured, as a message calls it."""
    if result["loop"]:
        yield "the loop"
    for row in result["subjects"]:
        if row["model"] in models:
            if row["accuracy"]:
                yield f"the accuracy of {row['name']}"
            for run in row["runs"]:
                threads = run["threads"]
                yield f"{row['name']} at {threads} {'thread' if threads == 1 else 'threads'}"
