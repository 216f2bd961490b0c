"""Annotated video as a file, .mp4, .mkv or .webm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edge.adapters import SinkAdapter
from edge.assets import extra
from edge.errors import SinkError, first_line
from edge.protocols import BaseSink
from edge.settings import Recording
from edge.sinks import output
from edge.types import Frame, FrameResult
from edge.vision.overlay import check_opencv

if TYPE_CHECKING:
    from edge.sinks.movie import Movie

_QUEUED = 4
"""Frames that wait for the encoder at the most: each keeps its picture in memory."""
_LARGEST = 4e9
"""Bytes of a file: a FAT file system takes 4 GiB."""


def check(path: Path) -> None:
    """Raise ``SinkError`` unless a run could draw and write a video at ``path``."""
    if find_spec("av") is None:
        raise SinkError(
            f"{path}: expected the package 'av' for video, found none; "
            f"{extra('video')}, or choose .jsonl or .csv"
        )
    check_opencv()
    output.check(path)


class VideoSink(BaseSink):
    """Writes the frames it is given to ``path``, which begins with the first one.

    Each is shown from its ``time`` on; another source in the same run follows the one before. Those
    of another size are fitted into the first one's. What stood at ``path`` is numbered, and so is a
    file that has reached ``rotate_mb``, 4 GB or six hours. A thread encodes, so that an error may
    come with a later frame.
    """

    def __init__(
        self,
        path: Path,
        recording: Recording | None = None,
        create: Callable[[Path, int], FileIO] = output.create,
    ) -> None:
        """Name the file; ``create`` opens it."""
        self._path, self._recording = path, recording or Recording()
        self._create = create
        self._thread = ThreadPoolExecutor(1, "video")
        self._queue: deque[Future[None]] = deque()
        self._movie: Movie | None = None

    def __enter__(self) -> Self:
        """Check the path; raises ``SinkError``."""
        check(self._path)
        return self

    def __exit__(self, *problem: object) -> None:
        """Encode what waits and close the file; raises ``SinkError``."""
        try:
            while self._queue:
                self._wait()
        finally:
            self._thread.shutdown(cancel_futures=True)
            self._finish()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show ``frame.image`` from ``frame.time`` on; raises ``SinkError``."""
        if len(self._queue) == _QUEUED:
            self._wait()
        self._queue.append(self._thread.submit(self._encode, frame))

    def _wait(self) -> None:
        """Wait for the frame that was queued first."""
        try:
            self._queue.popleft().result()
        except SinkError:
            self._queue.clear()  # those after it fail as well
            raise

    def _encode(self, frame: Frame) -> None:
        from edge.sinks.movie import Movie  # noqa: PLC0415 - PyAV is an option, and slow to import

        most = min(self._recording.rotate_bytes, _LARGEST)
        if self._movie and not self._movie.takes(frame, most):
            self._finish()
        with _converting(self._path):
            if self._movie is None:
                file = self._create(self._path, self._recording.keep)
                self._movie = Movie(file, self._path.suffix.lower(), frame.image)
            self._movie.add(frame)

    def _finish(self) -> None:
        movie, self._movie = self._movie, None
        if movie:
            with _converting(self._path):
                try:
                    movie.close()
                finally:
                    if not self._path.stat().st_size:  # not even its header had room
                        self._path.unlink()


@contextmanager
def _converting(path: Path) -> Iterator[None]:
    """Raise what PyAV or the system says in the body as a ``SinkError``."""
    from av.error import FFmpegError  # noqa: PLC0415

    try:
        with output.writing(path):
            yield
    except FFmpegError as error:
        raise SinkError(
            f"{path}: expected to write video, found: {first_line(error)}; choose another output"
        ) from error


ADAPTER = SinkAdapter(
    "video",
    lambda path, _, settings: VideoSink(path, settings.recording),
    check,
    pictures=True,
    many="files",
)
