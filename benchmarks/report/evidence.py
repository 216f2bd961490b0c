"""All that a report is made from: the results of every device in a folder, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import evaluation, results
from benchmarks.errors import ResultsError
from benchmarks.peers import report as peers
from convert.variants import DEPLOYED

Result = Mapping[str, Any]
Row = Mapping[str, Any]
"""What is known of one subject of a result."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The ``result`` of a device and its raw ``samples``, none where they can't be read."""

    result: Result
    samples: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured; ``missing`` says what is there and can't be read, and why."""

    devices: Sequence[Measured]
    evaluation: Result | None = None
    peers: Result | None = None
    missing: Sequence[str] = ()

    @property
    def results(self) -> list[Result]:
        """The result of each device."""
        return [device.result for device in self.devices]


def gather(folder: Path) -> Evidence:
    """Read everything in ``folder`` that can be read.

    Raises ``ResultsError`` where there is no device whose results can be read.
    """
    missing: list[str] = []
    devices = []
    for path in results.devices(folder):
        device = _unless_missing(partial(read_device, path, missing), missing)
        if device is not None:
            devices.append(device)
    if not devices:
        raise ResultsError("; ".join(missing))
    evaluated, compared = (
        _unless_missing(partial(part.read, folder), missing)
        if (folder / part.NAME).exists()
        else None
        for part in (evaluation, peers)
    )
    return Evidence(
        devices,
        evaluated,
        compared,
        # By the names of the files: where the folder lies is nothing to a reader.
        [text.replace(f"{folder}/", "") for text in missing],
    )


def read_device(path: Path, missing: list[str]) -> Measured:
    """Read the result at ``path`` and its samples.

    Where these can't be read, ``missing`` gets the reason. Raises ``ResultsError``.
    """
    result = results.read(path)
    samples = _unless_missing(partial(results.read_samples, path), missing) or ()
    return Measured(result, samples)


def _unless_missing(read: Callable[[], Any], missing: list[str]) -> Any:
    """What ``read`` returns, or None and its reason in ``missing``."""
    try:
        return read()
    except ResultsError as error:
        missing.append(str(error))
        return None


def newest(found: Iterable[Result]) -> Result | None:
    """Return the result of the last date, of several the last by name, None of none.

    A void run gives way to one that counts.
    """
    return max(found, key=lambda r: (not r["void"], r["date"], r["device"]["name"]), default=None)


def with_accuracy(found: Iterable[Result]) -> Result | None:
    """Return the newest result that knows an accuracy: it is the files', whatever ran them."""
    return newest(r for r in found if any(row["accuracy"] for row in r["subjects"]))


def accuracy_of(row: Row, other: Result | None) -> Mapping[str, Any] | None:
    """Return the accuracy of ``row``, or that which ``other`` has of the same file."""
    own: Mapping[str, Any] | None = row["accuracy"]
    if own or other is None:
        return own
    same = (
        each["accuracy"]
        for each in other["subjects"]
        if (each["name"], each["sha256"]) == (row["name"], row["sha256"])
    )
    return next(same, None)


def replaced_since(result: Result, last: Result) -> bool:
    """Whether ``result`` is of other int8 files than ``last``."""
    rows = {row["name"]: row for row in last["subjects"]}
    return any(
        row["sha256"] != rows[row["name"]]["sha256"]
        for row in result["subjects"]
        if row["variant"] == DEPLOYED and row["name"] in rows
    )


def labels(found: Sequence[Result]) -> list[str]:
    """Return what people call the device of each: its machine; of two alike, with its name."""
    machines = [result["machine"] for result in found]
    return [
        f"{machine} ({result['device']['name']})" if machines.count(machine) > 1 else machine
        for machine, result in zip(machines, found, strict=True)
    ]
