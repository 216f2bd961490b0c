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


def svg(figure: Figure, name: str) -> str:
    """Return ``figure`` as an SVG element without a background; its ids begin with ``name``.

    Letters are shapes: it looks the same wherever it is shown. Equal figures give equal texts.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].strip()
    prefix = "-".join(re.findall(r"\w+", name))
    drawn = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", drawn)
    drawn = drawn.replace("xlink:href", "href")
    drawn = re.sub(r"<!--.*?-->\n?", "", drawn, flags=re.DOTALL)
    pixels = figure.get_figwidth() * _PIXELS
    style = f"width:100%;min-width:{_SMALLEST * pixels:.0f}px;max-width:{_LARGEST * pixels:.0f}px"
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
        rf'<svg viewBox="\1" aria-hidden="true" '
        rf'style="{style}">',
        drawn,
        count=1,
    )
