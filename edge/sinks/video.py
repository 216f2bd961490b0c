"""The pictures that it is given, as a video file."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from edge.errors import SinkError
from edge.files import free_bytes, left_behind, replacing
from edge.frames import Frame, FrameResult, Image, Outage
from edge.sinks.target import claimed, set_aside, writing

_CODECS = {".mp4": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
_TRIAL_SIZE = (64, 64)
_MOST_REPEATS = 250
"""A still picture is repeated at most so often: a camera that slept must not fill the disk."""
_COMPLETE = 0.9
"""Share of the frames that a whole file admits to; containers count roughly."""
_ROOM, _INDEX = 16e6, 32
"""What a disk must have left: for a second of video and what is on its way to the disk, and for
each frame's place in the index, which is written last; bytes."""

_STILL = 20_000
"""Frames without a byte more on the disk, of which no size and no picture needs so many: the file
takes no more. OpenCV says nothing of a quota or of a system's limit."""
LARGEST = 4e9
"""Bytes of a video, with room for its index: a FAT file system takes 4 GiB."""


class _NoFrames(Exception):  # noqa: N818 - it says why a file is dropped, nothing failed
    """There was nothing to write."""


def check_room(path: Path, free: Callable[[Path], float] = free_bytes) -> None:
    """Raise ``SinkError`` where the disk has no room to begin a video at ``path``."""
    with writing(path):
        found = free(path.parent)
    if found < _ROOM:
        raise _no_room(path, _ROOM, found, "to begin a video", "make room, or choose another place")


def _no_room(path: Path, least: float, free: float, use: str, remedy: str) -> SinkError:
    wanted, found = math.ceil(least / 1e5) / 10, math.floor(free / 1e5) / 10
    return SinkError(f"{path}: expected {wanted:g} MB of room {use}, found {found} MB; {remedy}")


class VideoSink:
    """Writes ``path``, which appears when it is finished; the suffix says which container.

    What stood there is renamed then (``set_aside``). A kill or a power loss before costs the whole
    .mp4, whose index is written last; what it left of the others can be played, and the next run
    with this output puts it in its place. OpenCV doesn't say when a disk is full: so the file
    is finished while there is room left for that.

    The file plays at the rate that ``fps`` gives when the first frame comes, at the speed of the
    capture times: a frame is repeated until a newer one came, and skipped where two fall together.
    Frames of another size than the first one's are fitted into it.
    """

    def __init__(
        self,
        path: Path,
        fps: Callable[[], float],
        keep: int = 0,
        free: Callable[[Path], float] = free_bytes,
    ) -> None:
        """Name the file; nothing is opened yet.

        ``keep`` is that of ``set_aside``; ``free`` says how many bytes may be written to a folder.
        """
        self._path, self._fps, self._keep, self._free = path, fps, keep, free
        self._stack = ExitStack()
        self._temporary: Path | None = None
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._rate = self._start = 0.0
        self._shown = self._written = 0
        self._newest: Image = np.zeros((0, 0, 3), np.uint8)
        """The picture that fills the next gap, also where it was skipped itself."""
        self._grown = (0, 0)
        """Bytes on the disk, and the frames written when they became so many."""

    def __enter__(self) -> Self:
        """Claim the path, and try it and the codec in a temporary file; raises ``SinkError``."""
        with writing(self._path), ExitStack() as opened:
            alone = opened.enter_context(claimed(self._path))
            for left in left_behind(self._path, alone):
                self._adopt(left)
            self._temporary = opened.enter_context(replacing(self._path))
            if self._free(self._path.parent) >= _ROOM:  # the first frame finds out otherwise
                self._open(_TRIAL_SIZE, 30.0).release()
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file and put it in its place, also after an error: what is recorded is kept.

        Without a frame there is none. Raises ``SinkError`` where the file isn't whole; one that can
        be played is kept all the same.
        """
        self._finish()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show ``frame.image`` from its capture time on, and the one before it until then.

        Raises ``SinkError``, with the file finished and in its place where the disk is full.
        """
        if self._writer is None:
            check_room(self._path, self._free)
            height, width = frame.image.shape[:2]
            self._size, self._rate, self._start = (width, height), self._fps(), frame.captured_at
            self._writer = self._open(self._size, self._rate)
        due = self._due(frame.captured_at)
        image = fit(frame.image, self._size)
        for missing in range(min(due - self._shown, _MOST_REPEATS), 0, -1):
            if self._written % max(round(self._rate), 1) == 0:
                self._check_room()
            self._writer.write(self._newest if missing > 1 else image)
            self._written += 1
        self._newest = image
        self._shown = max(due, self._shown)

    def lost(self, outage: Outage) -> None:
        """Let the time pass without a frame: what of an outage is to be seen comes as a picture."""
        if self._writer is not None:
            self._shown = max(self._due(outage.at), self._shown)

    def _due(self, at: float) -> int:
        """How many frames belong to the time until ``at``, that of the frame at ``at`` included."""
        return round((at - self._start) * self._rate) + 1

    @property
    def size(self) -> int:
        """Bytes of the file so far; raises ``SinkError``."""
        with writing(self._path):
            return self._temporary.stat().st_size if self._temporary and self._writer else 0

    def _adopt(self, left: Path) -> None:
        """Put what a killed run ``left`` where that run would have put it, if it can be played."""
        if not _read_back(left)[0]:
            left.unlink(missing_ok=True)
            return
        set_aside(self._path, self._keep)
        left.replace(self._path)

    def _open(self, size: tuple[int, int], fps: float) -> cv2.VideoWriter:
        """Start the temporary file anew; ``size`` is (width, height)."""
        codec = _CODECS[self._path.suffix.lower()]
        fourcc = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(self._temporary), fourcc, fps, size)
        if not writer.isOpened():
            raise SinkError(
                f"{self._path}: expected to write {codec} video with {size[0]}×{size[1]} pixels, "
                "found that OpenCV can't here; choose another suffix, .jsonl or .csv"
            )
        return writer

    def _check_room(self) -> None:
        """Finish a file that finds no more room, before that harms it, and raise ``SinkError``."""
        if self.size > self._grown[0]:
            self._grown = self.size, self._written
        if self._written - self._grown[1] > _STILL:
            self._finish()
            raise SinkError(
                f"{self._path}: expected a file that grows, found {self._grown[0]} bytes for long; "
                "what is recorded is kept, look for a quota or choose another place"
            )
        with writing(self._path):
            free = self._free(self._path.parent)
        least = _ROOM + _INDEX * self._written
        if free < least:
            self._finish()
            remedy = "what is recorded is kept, make room for the next one"
            raise _no_room(self._path, least, free, "for more video", remedy)

    def _finish(self) -> None:
        """Put the file in its place, once; raises ``SinkError`` where it isn't whole."""
        if self._writer is not None:
            self._writer.release()
        temporary, self._temporary = self._temporary, None
        with writing(self._path), suppress(_NoFrames):
            with self._stack:
                count = self._count(temporary)
                set_aside(self._path, self._keep)
            if count < _COMPLETE * self._written:
                raise SinkError(
                    f"{self._path}: expected {self._written} frames in the finished video, found "
                    "fewer; it is kept, make room for the next one"
                )

    def _count(self, temporary: Path | None) -> float:
        """How many frames the finished file admits to; raises ``SinkError`` where none plays.

        A file without its end may say anything.
        """
        if temporary is None or not self._written:
            raise _NoFrames
        playable, count = _read_back(temporary)
        if not playable:
            raise SinkError(
                f"{self._path}: expected {self._written} frames in the finished video, found none "
                "that plays; make room, or choose another output"
            )
        return count


def _read_back(path: Path) -> tuple[bool, float]:
    """Whether the first frame of a file can be read, and how many frames it admits to."""
    written = cv2.VideoCapture(str(path))
    playable, count = written.read()[0], written.get(cv2.CAP_PROP_FRAME_COUNT)
    written.release()
    return playable, count


class VideoPieces:
    """A video as several files, each finished by itself: a power loss costs the last one only.

    A piece of ``limit`` bytes (less what is on its way to the disk, some 256 kB) is finished, and
    renamed when the next one is; the loop waits for that, longer the slower the disk.
    """

    def __init__(self, begin: Callable[[], VideoSink], limit: float) -> None:
        """Take what begins a piece; nothing is opened yet."""
        self._begin, self._limit = begin, limit
        self._piece = begin()

    def __enter__(self) -> Self:
        """Open the first piece; raises ``SinkError``."""
        self._piece.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        """Finish the last piece; raises ``SinkError``."""
        self._piece.__exit__(*problem)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show ``frame.image`` in this piece or in a new one; raises ``SinkError``."""
        if self._piece.size >= self._limit:
            self._piece.__exit__(None, None, None)
            self._piece = self._begin().__enter__()
        self._piece.write(frame, result)

    def lost(self, outage: Outage) -> None:
        """Let the time pass in this piece."""
        self._piece.lost(outage)


def fit(image: Image, size: tuple[int, int]) -> Image:
    """Scale ``image`` (``uint8[H, W, 3]``) into ``size`` (width, height), with black bars."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    inner = max(round(width * scale), 1), max(round(height * scale), 1)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    fitted = np.zeros((size[1], size[0], 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=cv2.INTER_AREA
    )
    return fitted
