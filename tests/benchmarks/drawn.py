"""What a reader sees of a figure."""

from __future__ import annotations

from matplotlib.figure import Figure


def beyond(figure: Figure) -> float:
    """Inches by which anything that is drawn reaches beyond the canvas; below 0 where it fits."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    return float(
        max(-box.x0, -box.y0, box.x1 - figure.get_figwidth(), box.y1 - figure.get_figheight())
    )
