"""Renders the pictures of the README: the demo with the overlay, moving and still.

``python -m tools.render_demo`` writes ``images/demo.webp`` and ``images/overlay.jpg``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
from PIL import Image as Picture

from edge import Recognizer
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Image, Outage
from edge.vision.painter import Painter

MOVING, STILL = Path("images/demo.webp"), Path("images/overlay.jpg")
_SECONDS, _FPS, _STEP = 6.0, 30.0, 3
"""Of the demo's frames one in ``_STEP`` is shown."""
_MOVING_SIZE, _STILL_SIZE = (640, 360), (1280, 720)
_STILL_AT = 4.0
"""Seconds; both labels are settled."""


def annotated(size: tuple[int, int], seconds: float = _SECONDS) -> Iterator[Image]:
    """Yield the annotated demo of ``size`` (width, height): ``uint8[H, W, 3]`` BGR."""
    painter = Painter()
    source = DemoSource(load_portraits(), size, round(seconds * _FPS) + 1, _FPS)
    for item in Recognizer().follow(source):
        if not isinstance(item, Outage):
            frame, result = item
            yield painter.paint(frame, result)


def write_moving(path: Path) -> None:
    """Write the animation to ``path``, an animated WebP."""
    frames = [_picture(image) for image in islice(annotated(_MOVING_SIZE), 0, None, _STEP)]
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * _STEP / _FPS),
        loop=0,
        quality=45,
        method=6,
    )


def write_still(path: Path) -> None:
    """Write one frame to ``path``."""
    *_, last = annotated(_STILL_SIZE, _STILL_AT)
    _picture(last).save(path, quality=85, optimize=True)


def _picture(image: Image) -> Picture.Image:
    return Picture.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


if __name__ == "__main__":
    for path, write in ((MOVING, write_moving), (STILL, write_still)):
        write(path)
        print(f"wrote {path}, {path.stat().st_size / 1e3:.0f} kB")
