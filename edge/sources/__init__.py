"""Where frames come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.errors import SourceError
from edge.settings import Settings
from edge.sources.camera import camera_source
from edge.sources.demo import DemoSource, load_portraits
from edge.sources.images import ImageFolder
from edge.sources.video import VideoSource
from edge.sources.wrappers import Fallback, Limited, Paced, RatedSource

_DEMO_FRAMES = 300
_DEVICE = "/dev/video"
"""What Linux puts before a camera's index."""


def open_source(
    settings: Settings, watched: bool, stop: Callable[[], bool], say: Callable[[str], None]
) -> RatedSource:
    """Return the source that ``settings`` name, to be opened by entering it.

    ``watched`` says that somebody looks on: then files and the demo play at their own speed, and
    the demo doesn't end. ``stop`` is asked by sources that wait; ``say`` takes what a user should
    know. Raises ``SourceError`` where the name means nothing.
    """
    demo_frames = settings.frames or (0 if watched else _DEMO_FRAMES)
    demo = partial(_demo, demo_frames, watched)
    source: RatedSource
    if settings.source == "auto":
        source = Fallback(camera_source(0, stop), demo, say)
    elif settings.source == "demo":
        source = demo()
    elif (number := settings.source.removeprefix(_DEVICE)).isdecimal():
        source = camera_source(int(number), stop)
    else:
        source = _paced(_from_path(_expanded(settings.source), say), watched)
    return Limited(source, settings.frames) if settings.frames else source


def _demo(frames: int, watched: bool) -> RatedSource:
    return _paced(DemoSource(load_portraits(), frames=frames), watched)


def _paced(source: RatedSource, watched: bool) -> RatedSource:
    return Paced(source) if watched else source


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # "~somebody"
        raise SourceError(
            f"{name}: expected a path, found no such user; write the path in full"
        ) from error


def _from_path(path: Path, say: Callable[[str], None]) -> RatedSource:
    if path.is_dir():
        return ImageFolder(path, say)
    if path.exists():
        return VideoSource(path)
    raise SourceError(
        f"{path}: expected a camera's index, a video file, a folder of images, 'demo' or 'auto', "
        "found no such file; check the path"
    )
