"""Figures as a reader sees them: so many digits, the interval, a dash for what isn't known."""

from __future__ import annotations

from typing import Any

NONE = "–"


def known(value: float | None, ends: Any = None, digits: int | None = None) -> str:
    """Return ``value`` with the ``ends`` of its interval, where there is one.

    Two ``digits``, of what is 10 or more one, unless they are given.
    """
    if value is None:
        return NONE
    digits = (2 if value < 10 else 1) if digits is None else digits
    match ends:
        case [int() | float() as low, int() | float() as high]:
            return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
    return f"{value:.{digits}f}"
