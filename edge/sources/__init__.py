"""Where frames come from."""

from __future__ import annotations

import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.errors import SettingsError
from edge.settings import Settings
from edge.sources.camera import DEVICE, camera_source
from edge.sources.demo import DemoSource, load_portraits
from edge.sources.images import ImageSource, is_image
from edge.sources.picamera import NAME as PICAMERA
from edge.sources.picamera import picamera_source
from edge.sources.stream import SCHEMES, is_stream, stream_source
from edge.sources.video import VideoSource
from edge.sources.wrappers import Fallback, Limited, Paced, RatedSource

_DEMO_FRAMES = 300
_LINKS = "/dev/v4l/"
"""Where Linux has links to cameras by their names and by their sockets."""


def open_source(
    settings: Settings,
    watched: bool,
    stop: Callable[[], bool],
    say: Callable[[str], None],
    before: str = "",
) -> RatedSource:
    """Return the source that ``settings`` name, to be opened by entering it.

    ``watched`` says that somebody looks on: then files and the demo play at their own speed, and
    the demo doesn't end. ``stop`` is asked by sources that wait; ``say`` takes what a user should
    know. Raises ``SettingsError`` where the name means nothing.

    ``before`` names the source that the same run had open before, empty for none. A camera or a
    stream that stays may be lost at this moment, and the old reader may still hold it: that is an
    outage then. The demo takes the place of a camera at the start only.
    """
    patient = settings.source == before
    demo_frames = settings.frames or (0 if watched else _DEMO_FRAMES)
    demo = partial(_demo, demo_frames, watched, stop)
    source: RatedSource
    if settings.source == "auto":
        camera = camera_source(None, stop, settings.camera, patient, say)
        source = camera if before else Fallback(camera, demo, say)
    elif settings.source == "demo":
        source = demo()
    else:
        source = _live(settings, stop, patient, say) or _paced(
            _from_path(settings.source, say), watched, stop
        )
    return Limited(source, settings.frames) if settings.frames else source


def _live(
    settings: Settings, stop: Callable[[], bool], patient: bool, say: Callable[[str], None]
) -> RatedSource | None:
    """The camera or the stream of that name, None for another name."""
    name, wanted = settings.source, settings.camera
    if is_stream(name):
        return stream_source(name, stop, patient, say)
    if (number := name.removeprefix(DEVICE)).isdecimal():
        return camera_source(int(number), stop, wanted, patient, say)
    if name.startswith(_LINKS):
        return camera_source(Path(name), stop, wanted, patient, say)
    kind, _, number = name.partition(":")
    if kind == PICAMERA and (number or "0").isdecimal():
        return picamera_source(int(number or 0), stop, wanted, patient=patient, say=say)
    return None


def _demo(frames: int, watched: bool, stop: Callable[[], bool]) -> RatedSource:
    return _paced(DemoSource(load_portraits(), frames=frames), watched, stop)


def _paced(source: RatedSource, watched: bool, stop: Callable[[], bool]) -> RatedSource:
    return Paced(source, stop) if watched else source


def _from_path(name: str, say: Callable[[str], None]) -> RatedSource:
    path = Path(name)
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise SettingsError(
            f"{name}: expected a camera's index, a stream's address ({', '.join(SCHEMES)}), a "
            "video, an image, a folder of images, 'picamera', 'demo' or 'auto', found "
            f"{'none of these' if missing else error.strerror}; check the path"
        ) from error
    return ImageSource(path, say) if is_folder or is_image(path) else VideoSource(path)
