"""Recognises facial expressions in images, videos, cameras and streams, on the edge.

::

    from edge import Recognizer, annotate

    recognizer = Recognizer()
    for face in recognizer(image).faces:           # uint8[H, W, 3] BGR
        print(face.label, face.score, face.certain)
    for frame, result in recognizer.stream("clip.mp4"):
        shown = annotate(frame.image, result)
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # typing's own takes 20 ms, in which Ctrl-C would print a traceback
if TYPE_CHECKING:
    from edge.errors import EdgeError
    from edge.events import Event
    from edge.recognizer import Recognizer
    from edge.settings import Tracking
    from edge.types import Box, Expression, Face, FaceResult, Frame, FrameResult, Outage
    from edge.vision.overlay import annotate

__version__ = "0.2.0"
__all__ = [
    "Box",
    "EdgeError",
    "Event",
    "Expression",
    "Face",
    "FaceResult",
    "Frame",
    "FrameResult",
    "Outage",
    "Recognizer",
    "Tracking",
    "__version__",
    "annotate",
]

_HOMES = {
    "edge.errors": ("EdgeError",),
    "edge.events": ("Event",),
    "edge.recognizer": ("Recognizer",),
    "edge.settings": ("Tracking",),
    "edge.types": (*("Box", "Expression", "Face", "FaceResult", "Frame", "FrameResult", "Outage"),),
    "edge.vision.overlay": ("annotate",),
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: training needs the contract, not OpenCV."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
