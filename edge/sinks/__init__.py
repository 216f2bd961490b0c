"""Where results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from edge import overlay
from edge.errors import EdgeError
from edge.frames import FrameResult, Image, Sink
from edge.settings import JSON_LINES_SUFFIX
from edge.sinks.jsonl import JsonLinesSink
from edge.sinks.video import VideoSink
from edge.sinks.window import WindowSink
from edge.sinks.wrappers import Annotated, Guarded


def open_sinks(
    outputs: Sequence[Path],
    window: WindowSink | None,
    labels: Sequence[str],
    fps: Callable[[], float],
    status: Callable[[], str],
    report: Callable[[EdgeError], None],
) -> list[Sink]:
    """Return the sinks for ``outputs`` and ``window``, to be opened by entering them.

    ``labels`` are the classifier's, ``fps`` gives the source's rate and ``status`` the line for the
    overlay; a sink that fails goes to ``report`` and leaves the others alone. Raises ``SinkError``
    where pictures are wanted and can't be drawn.
    """
    guard = partial(Guarded, report=report)
    records = [path for path in outputs if path.suffix.lower() == JSON_LINES_SUFFIX]
    sinks: list[Sink] = [guard(JsonLinesSink(path, labels)) for path in records]
    views: list[Sink] = [guard(VideoSink(path, fps)) for path in outputs if path not in records]
    if window:
        views.append(guard(window))
    if views:
        overlay.check_opencv()

    def draw(image: Image, result: FrameResult) -> Image:
        return overlay.draw(image, result, labels, status())

    return [*sinks, Annotated(views, draw)] if views else sinks
