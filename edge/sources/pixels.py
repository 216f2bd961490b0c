"""How many pixels a picture may have, which its header says before it is decoded."""

from __future__ import annotations

from edge.types import LARGEST_SIDE

ADVICE = "scale it down, or allow more with --max-megapixels"


def size_problem(width: int, height: int, max_pixels: int) -> str:
    """Return what is wrong with a picture of that size, "" where it is small enough."""
    if width * height > max_pixels:
        return too_large(f"{width}×{height}", max_pixels)
    if max(width, height) > LARGEST_SIDE:
        return (
            f"expected at most {LARGEST_SIDE} pixels a side, found {width}×{height}; scale it down"
        )
    return ""


def too_large(found: str, max_pixels: int) -> str:
    """Return that a picture is too large, which is ``found`` out."""
    return f"expected at most {max_pixels / 1e6:g} megapixels, found {found}; {ADVICE}"
