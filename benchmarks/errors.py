"""Everything that the benchmarks raise on purpose.

::

    BenchmarkError          exit code 1
    ├── WorkerError         a variant does not load or run; the others go on
    └── ResultsError        a results file is missing, half written or of another version
"""

from __future__ import annotations

import sys
from pathlib import Path


class BenchmarkError(Exception):
    """Base of the tree. ``exit_code`` is what the command line exits with."""

    exit_code = 1


class WorkerError(BenchmarkError):
    """A variant does not load or run."""


class ResultsError(BenchmarkError):
    """A results file is missing, half written or of another version."""


def without_places(text: str) -> str:
    """Return ``text`` with paths as from here: where this folder lies is nothing to a reader."""
    for folder in (Path.cwd(), Path(sys.executable).parent):
        text = text.replace(f"{folder}/", "")
    return text
