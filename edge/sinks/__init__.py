"""Where results go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from edge import overlay
from edge.errors import EdgeError
from edge.frames import FrameResult, Image, Sink
from edge.placement import Placement
from edge.settings import CSV_SUFFIX, JSON_LINES_SUFFIX, Recording
from edge.sinks.csv import Csv
from edge.sinks.jsonl import JsonLines
from edge.sinks.records import Format, RecordSink
from edge.sinks.video import LARGEST, VideoPieces, VideoSink
from edge.sinks.window import WindowSink
from edge.sinks.wrappers import Annotated, Guarded

_FORMATS: Mapping[str, Callable[[Sequence[str]], Format]] = {
    JSON_LINES_SUFFIX: JsonLines,
    CSV_SUFFIX: Csv,
}


def open_sinks(
    outputs: Sequence[Path],
    window: WindowSink | None,
    labels: Sequence[str],
    fps: Callable[[], float],
    status: Callable[[], str],
    report: Callable[[EdgeError], None],
    recording: Recording | None = None,
) -> list[Sink]:
    """Return the sinks for ``outputs`` and ``window``, to be opened by entering them.

    ``labels`` are the classifier's, ``fps`` gives the source's rate and ``status`` the line for the
    overlay; a sink that fails goes to ``report`` and leaves the others alone. Raises ``SinkError``
    where pictures are wanted and can't be drawn.
    """
    guard, recording = partial(Guarded, report=report), recording or Recording()
    records = [path for path in outputs if path.suffix.lower() in _FORMATS]
    sinks: list[Sink] = [
        guard(RecordSink(path, _FORMATS[path.suffix.lower()](labels), recording))
        for path in records
    ]
    videos = [guard(_video(path, fps, recording)) for path in outputs if path not in records]
    views = [guard(window)] if window else []
    if not (views or videos):
        return sinks
    overlay.check_opencv()
    placement = Placement()

    def draw(image: Image, result: FrameResult) -> Image:
        return overlay.draw(image, result, labels, status(), placement)

    return [*sinks, Annotated(views, draw, recordings=videos)]


def _video(path: Path, fps: Callable[[], float], recording: Recording) -> Sink:
    begin = partial(VideoSink, path, fps, recording.keep)
    return VideoPieces(begin, min(recording.rotate_bytes, LARGEST))
