"""A folder with an annotated picture or video of each input."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import Any, Self

from edge.adapters import SinkAdapter
from edge.errors import TargetError
from edge.protocols import BaseSink
from edge.settings import Recording
from edge.sinks import output
from edge.sinks.pictures import PictureSink
from edge.sinks.video import VideoSink
from edge.types import Frame, FrameResult
from edge.vision.overlay import check_opencv

_UNSAFE = re.compile(r'[\x00-\x1f\\/:*?"<>|]+')
"""What some file system does not take in a name."""
_LONGEST = 200
"""Bytes of a name, so that a number can be added to it."""


def check(folder: Path) -> None:
    """Raise ``SinkError`` unless a run could draw and write files in ``folder``."""
    check_opencv()
    output.check_folder(folder)


def counterpart(source: str, still: bool, live: bool = False) -> PurePath:
    """Return the path, within the folder, of what is drawn of ``source``, ``Frame.source``.

    A photograph becomes a .jpg, or a .png where it was one, anything else an .mp4.
    """
    parts = [source] if live else [part for part in source.split("/") if part.strip(".")]
    *folders, name = map(_safe, parts or ["input"])
    stem = name if live else PurePath(name).stem
    suffix = ".png" if source.lower().endswith(".png") else ".jpg"
    return PurePath(*folders, stem + (suffix if still else ".mp4"))


def _safe(name: str) -> str:
    text = name.encode(errors="replace").decode()
    return _UNSAFE.sub("_", text).encode()[:_LONGEST].decode(errors="ignore")


class FolderSink(BaseSink):
    """Writes annotated photographs and videos to ``folder``, under the names of their sources.

    A video is closed when its file ends, since files follow one another. What stood in the folder
    is numbered, unless it is one of the ``inputs``, the addresses of the run's sources: the sink
    refuses that.
    """

    def __init__(
        self, folder: Path, recording: Recording | None = None, inputs: Iterable[str] = ()
    ) -> None:
        """Name the folder."""
        self._folder, self._recording = folder, recording or Recording()
        found = (name for each in inputs for name in (each, *glob.glob(each, recursive=True)))  # noqa: PTH207
        self._inputs = {os.path.realpath(name) for name in found}
        self._places: dict[str, Path] = {}
        """The file of each source."""
        self._taken: set[str] = set()
        self._videos: dict[str, VideoSink] = {}
        self._file: str | None = None
        """The source that is no live one, of which the last such frame was."""

    def __enter__(self) -> Self:
        """Check the folder; raises ``SinkError``."""
        check(self._folder)
        for name in self._inputs:
            if Path(name).suffix.lower() in (".jpg", ".png", ".mp4"):
                self._refuse_input(self._folder / Path(name).name)
        return self

    def __exit__(self, *problem: Any) -> None:
        """Close every video; raises ``SinkError``."""
        with ExitStack() as stack:
            for video in self._videos.values():
                stack.push(video)
            self._videos = {}

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write the photograph, or one frame of a video; raises ``SinkError``."""
        file = None if frame.live else frame.source  # cameras come when all files are over
        if file != self._file:
            before, self._file = self._file, file
            if before in self._videos:
                self._videos.pop(before).__exit__()
        if frame.still:
            with PictureSink(self._place(frame), self._recording) as picture:
                picture.write(frame, result)
            return
        if frame.source not in self._videos:
            video = VideoSink(self._place(frame), self._recording)
            self._videos[frame.source] = video.__enter__()
        self._videos[frame.source].write(frame, result)

    def _place(self, frame: Frame) -> Path:
        """Return the file of the frame's source, which no other source of this run has."""
        if frame.source not in self._places:
            wanted = self._folder / counterpart(frame.source, frame.still, frame.live)
            numbers = itertools.count(2)
            path = wanted
            while str(path).casefold() in self._taken:
                path = wanted.with_name(f"{wanted.stem}-{next(numbers)}{wanted.suffix}")
            self._taken.add(str(path).casefold())
            self._places[frame.source] = path
        self._refuse_input(self._places[frame.source])
        return self._places[frame.source]

    def _refuse_input(self, path: Path) -> None:
        """Raise ``TargetError`` where ``path`` is an input or lies in a folder that is one."""
        real = os.path.realpath(path)
        around = (real, *map(str, Path(real).parents))
        if os.path.lexists(path) and not self._inputs.isdisjoint(around):
            raise TargetError(
                f"{path}: expected another file than the input, found the same one; "
                "choose another folder"
            )


ADAPTER = SinkAdapter(
    "folder",
    lambda path, _, settings: FolderSink(path, settings.recording, settings.source),
    check,
    pictures=True,
)
