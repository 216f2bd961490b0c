"""Everything that the benchmarks raise on purpose.

::

    BenchmarkError          exit code 1
    ├── WorkerError         a process that measures does not start, fails or takes too long
    ├── ResultsError        a results file is missing, damaged or of another version
    └── PhotographsError    labelled photographs are missing, damaged or not as described
"""

from __future__ import annotations


class BenchmarkError(Exception):
    """Base of the tree. ``exit_code`` is what the command line exits with."""

    exit_code = 1


class WorkerError(BenchmarkError):
    """A process that measures does not start, fails or takes too long."""


class ResultsError(BenchmarkError):
    """A results file is missing, damaged or of another version."""


class PhotographsError(BenchmarkError):
    """Labelled photographs are missing, damaged or not as their description says."""
