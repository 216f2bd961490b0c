"""What a process holds, from /proc, and the table of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

_MIB = 1024
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the table; ``fault`` is what was wrong then, "" for nothing."""

    seconds: float
    process: str
    resident_mib: float
    descriptors: int
    threads: int
    temporary_files: int
    fault: str = ""


def sample(
    seconds: float, process: str, pid: int, temporary: Path, fault: str = "", proc: Path = PROC
) -> Sample | None:
    """Return what the process ``pid`` holds, None where it has ended.

    ``temporary`` is the folder of its temporary files.
    """
    try:
        text = (proc / str(pid) / "status").read_text()
        descriptors = len([*(proc / str(pid) / "fd").iterdir()])
    except OSError:
        return None
    status = dict(line.split(":", 1) for line in text.splitlines())
    if "VmRSS" not in status:  # it waits for its parent
        return None
    return Sample(
        round(seconds, 1),
        process,
        round(int(status["VmRSS"].split()[0]) / _MIB, 2),
        descriptors,
        int(status["Threads"]),
        sum(1 for _ in temporary.rglob("*")),
        fault,
    )


class Table:
    """Adds rows to a CSV file, each whole and at once."""

    def __init__(self, path: Path) -> None:
        """Begin the file."""
        self._file = path.open("w", newline="", encoding="utf-8", buffering=1)
        self._rows = csv.writer(self._file)
        self._rows.writerow([field.name for field in fields(Sample)])

    def add(self, row: Sample) -> None:
        """Add one row."""
        self._rows.writerow([getattr(row, field.name) for field in fields(Sample)])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> Mapping[str, list[Sample]]:
    """Return the rows of a table by process."""
    found: dict[str, list[Sample]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in _rows(csv.DictReader(file)):
            found.setdefault(row.process, []).append(row)
    return found


def _rows(lines: Iterable[Mapping[str, str]]) -> Iterator[Sample]:
    for line in lines:
        yield Sample(
            float(line["seconds"]),
            line["process"],
            float(line["resident_mib"]),
            int(line["descriptors"]),
            int(line["threads"]),
            int(line["temporary_files"]),
            line["fault"],
        )
