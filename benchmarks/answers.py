"""Standard output for the answers of a worker alone. The standard library and nothing of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def answers_alone() -> Iterator[TextIO]:
    """Yield what standard output was; what a library prints goes to standard error from now on."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        yield answers
