"""A figure as SVG to stand within a page of HTML."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

_PIXELS = 96
"""Of an inch."""
_LARGEST, _SMALLEST = 1.15, 0.66
"""Of the size at which it was drawn; a page too narrow for the smallest scrolls."""
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_PLACES = re.compile(r' (?:d|x|y)="[^"]*"')
_NUMBER = re.compile(r"\d+\.\d{3,}")
_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(href="#|url\(#)([^")]+)')
_OPENING = re.compile(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>')


def svg(figure: Figure, name: str) -> str:
    """Return ``figure`` as an SVG element without a background; its ids begin with ``name``.

    Letters are shapes: it looks the same wherever it is shown. Equal figures give equal texts.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    drawn = buffer.getvalue()
    drawn = _slim(drawn[drawn.index("<svg") :].strip())
    prefix = "-".join(re.findall(r"\w+", name))
    drawn = _ID.sub(rf' id="{prefix}-\1"', drawn)
    drawn = _REFERENCE.sub(rf"\g<1>{prefix}-\2", drawn)
    pixels = figure.get_figwidth() * _PIXELS
    style = f"width:100%;min-width:{_SMALLEST * pixels:.0f}px;max-width:{_LARGEST * pixels:.0f}px"
    return _OPENING.sub(rf'<svg viewBox="\1" aria-hidden="true" style="{style}">', drawn, count=1)


def _slim(drawn: str) -> str:
    """``drawn`` without what no reader needs: comments, names nobody uses, a thousandth of a point.

    The namespace of links goes too: HTML knows them without it.
    """
    drawn = _COMMENT.sub("", drawn.replace("xlink:href", "href"))
    used = {target for _, target in _REFERENCE.findall(drawn)}
    drawn = _ID.sub(lambda found: found[0] if found[1] in used else "", drawn)
    return _PLACES.sub(
        lambda found: _NUMBER.sub(lambda number: f"{float(number[0]):.2f}", found[0]), drawn
    )
