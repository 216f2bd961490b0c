"""Everything that the conversion raises on purpose.

::

    ConvertError            exit code 1
    ├── AdoptionError       a model that something else wrote can't be taken over
    ├── OperatorError       a graph can't be converted, or the int8 one holds what it must not
    └── ParityError         a variant is too far from the h5; carries the table

An ``.h5`` that can't be used raises ``train.errors.ArtifactError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ConvertError(Exception):
    """Base of the tree. ``exit_code`` is what the command line exits with."""

    exit_code = 1


class AdoptionError(ConvertError):
    """A model that something else wrote can't be taken over."""


class OperatorError(ConvertError):
    """A graph can't be converted, or the int8 one holds what it must not."""


class ParityError(ConvertError):
    """A variant is too far from the h5. ``rows`` are the parity figures of all variants."""

    def __init__(self, message: str, rows: Sequence[Any]) -> None:
        """Keep the ``rows`` for the table."""
        super().__init__(message)
        self.rows = rows
