"""A video file, every frame of it in order, through PyAV."""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from edge.adapters import MOST_PIXELS, Limits, SourceAdapter
from edge.errors import SourceFileError
from edge.protocols import BaseSource
from edge.sources.decoding import (
    Decoder,
    codec_name,
    find_video,
    format_limit,
    frame_rate,
    load_av,
    pixel_limit,
)
from edge.sources.paths import check_file, display_name, file_size
from edge.sources.pixels import size_problem
from edge.sources.sampling import CannotSkipError, Sampler
from edge.types import Frame, Image

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.stream import VideoStream

_FALLBACK_FPS = 30.0
_MOST_ERRORS = 100
"""Errors of the container in a row after which the file is taken to be at its end."""
_SHORTFALL = 0.05
"""Headers are often a few frames off; a video that lacks a larger share of them is cut."""
_FEW = 5
_LONGEST_READ = 15
"""Seconds to open a file or read a packet, as in gigabytes of zeros; a disk starts in ten."""

log = logging.getLogger(__name__)


class VideoSource(BaseSource):
    """The frames of the file at ``path``, each one, or a sample ``every`` so many seconds.

    Times are those of the container from the first frame on, also where its rate varies. What there
    is of a damaged file is read; ``damage`` then says what is lost, and so does the log.

    The samples are the first frames at or after 0, ``every``, 2 × ``every``…, each once, without
    sound. What they do not need is not decoded, and then ``index`` is round(time × fps): the
    frame's own number where the rate is constant.
    """

    def __init__(
        self, path: Path, every: float = 0.0, threads: int = 0, max_pixels: int = MOST_PIXELS
    ) -> None:
        """Name the file; nothing is opened yet. ``threads`` decode it, 0: one for each core."""
        self.name = display_name(Path(path.name))
        self._every, self._threads, self._max_pixels = every, threads, max_pixels
        self._path, self.paths, self.size = path, (path,), file_size(path)
        self._opened = ExitStack()
        self._facts = ""

    @property
    def description(self) -> str:
        """The name, and size and rate once it is open."""
        return self.name + self._facts

    @property
    def undecodable(self) -> int:
        """Packets that can't be decoded and are left out, so far."""
        return self._decoder.failures

    @property
    def length(self) -> float:
        """Seconds that were read, so far, from the first frame on."""
        start = self._sampler.start if self._every else self._start
        return max(self._reached - (start or 0.0), 0.0)

    def __enter__(self) -> Self:
        """Open the file and decode its first frame; raises ``SourceFileError``."""
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        container = self._open()
        self._pictures = self._sample(container) if self._every else self._decode(container)
        first = next(self._pictures, None)
        if first is None:
            raise self._no_video(
                f"{self._stream.codec_context.name} of which no picture of at most "
                f"{self._max_pixels / 1e6:g} megapixels can be decoded"
            )
        self._first, self._start = first[0], first[1] or 0.0
        height, width = self._first.shape[:2]
        self._facts = f" ({width}×{height}, {self.fps:.4g} FPS)"

    def _open(self) -> InputContainer:
        av = load_av()
        check_file(self._path)
        try:
            # "file:", so that a name with a colon is no protocol.
            container: InputContainer = av.open(
                f"file:{self._path}",
                options={**format_limit(), **pixel_limit(self._max_pixels)},
                timeout=_LONGEST_READ,
                metadata_errors="replace",
            )
        except av.ArgumentError as error:
            raise self._no_video(
                "a text, a list of other files, or a picture of another kind"
            ) from error
        except (av.FFmpegError, ValueError) as error:
            raise self._no_video(getattr(error, "strerror", None) or str(error)) from error
        self._opened.callback(self._forget)
        self._container = container
        self._opened.callback(container.close)
        stream = find_video(container)
        if stream is None:
            raise self._no_video("no video stream")
        if stream.codec_context is None:
            raise SourceFileError(
                f"{self._path}: expected a video of a known codec, found {codec_name(container)}; "
                f"convert it with 'ffmpeg -i {self._path} -c:v libx264 converted.mp4'"
            )
        codec = stream.codec_context
        if problem := size_problem(codec.width, codec.height, self._max_pixels):
            raise SourceFileError(f"{self._path}: {problem}")
        self._stream = stream
        self._decoder = Decoder(stream, "AUTO", self._threads, self._max_pixels)
        self._opened.callback(self._decoder.close)
        self.fps = frame_rate(stream) or _FALLBACK_FPS
        self._audio: deque[Packet[Any]] = deque()
        """Packets that were read and not yet given."""
        self._reached, self._read, self._gaps = 0.0, 0, 0
        """Where the packets end, by the container's clock in seconds; how many are of the video;
        how often a place gave none."""
        return container

    def __exit__(self, *_: object) -> None:
        """Close the file and free its decoder."""
        self._opened.close()

    def _forget(self) -> None:
        for name in ("_container", "_stream", "_audio", "_first"):
            vars(self).pop(name, None)

    def __iter__(self) -> Iterator[Frame]:
        """Give every frame."""
        yield from self._samples() if self._every else self._frames()

    def _frames(self) -> Iterator[Frame]:
        length = self._length() or math.nan
        held, longest = Frame(self._first, 0, 0.0, self.name, done=0.0), _FEW / self.fps
        for index, (image, stamp) in enumerate(self._pictures, start=1):
            at = stamp - self._start if stamp is not None else 0.0
            at = at if at > held.time else held.time + 1 / self.fps
            longest = max(longest, at - held.time)
            yield replace(held, audio=tuple(self._audio_before(held.time)))
            held = Frame(image, index, at, self.name, done=min(at / length, 1.0))
        yield replace(held, audio=tuple(self._audio_before(float("inf"))))
        self._check_end(held.index + 1 + self._decoder.failures, longest)

    def _samples(self) -> Iterator[Frame]:
        length, index = self._length() or math.nan, 0
        yield Frame(self._first, 0, 0.0, self.name, done=0.0)
        for image, stamp in self._pictures:
            index, time = max(self._sampler.number, index + 1), stamp or 0.0
            yield Frame(image, index, time, self.name, done=min(time / length, 1.0))
        self._check_end(self._read, max(_FEW / self.fps, self._sampler.longest))

    def _decode(self, container: InputContainer) -> Iterator[tuple[Image, float | None]]:
        """Yield the pictures with their times by the container's clock."""
        for packet in self._video_packets(container):
            yield from self._decoder.decode(packet)
        yield from self._decoder.decode(None)

    def _sample(self, container: InputContainer) -> Iterator[tuple[Image, float | None]]:
        """Yield the samples with their times from the first frame on."""
        due = 0.0
        for skipping in (True, False):
            self._sampler = Sampler(
                self._decoder, self._every, self.fps, due=due, skipping=skipping
            )
            try:
                for frame, time in self._sampler.samples(self._video_packets(container)):
                    if (image := self._decoder.image(frame)) is not None:
                        yield image, time
            except CannotSkipError as reason:
                log.debug("%s: decoding all of it: %s", self.name, reason)
            else:
                return
            due = self._sampler.due
            self.__exit__()
            container = self._open()

    def _video_packets(self, container: InputContainer) -> Iterator[Packet[Any]]:
        """Yield the packets of the video; keep those of the audio, which samples do without."""
        audio = None if self._every else next(iter(container.streams.audio), None)
        for packet in self._packets(container):
            if packet.stream is self._stream:
                self._read += 1
                if packet.size:
                    yield packet
                else:
                    self._decoder.failures += 1
            elif packet.stream is audio:
                self._audio.append(packet)

    def _packets(self, container: InputContainer) -> Iterator[Packet[Any]]:
        """Yield the packets of all streams, past what is damaged."""
        errors = 0
        while errors < _MOST_ERRORS:
            try:
                for packet in container.demux():
                    errors = 0
                    if packet.pts is not None:
                        end = packet.pts + (packet.duration or 0)
                        self._reached = max(self._reached, float(end * packet.time_base))
                    if packet.size or packet.pts is not None:  # PyAV's last ones have neither
                        yield packet
            except load_av().FFmpegError as error:
                self._gaps += not errors
                errors += 1
                if isinstance(error, load_av().ExitError):
                    return
            else:
                return

    def _audio_before(self, end: float) -> Iterator[Packet[Any]]:
        """Take the audio packets up to ``end`` seconds; their times become those of the frames."""
        while self._audio:
            packet = self._audio[0]
            shift = round(self._start / packet.time_base)
            at = (packet.pts or 0) - shift
            if at * packet.time_base > end:
                return
            self._audio.popleft()
            if packet.pts is not None and at >= 0:
                packet.pts = at
                packet.dts = None if packet.dts is None else packet.dts - shift
                yield packet

    def _check_end(self, read: int, longest: float) -> None:
        """Say what is damaged.

        The file is cut where the header promises more time, and more frames than the ``read`` ones.
        """
        found = []
        if count := self._decoder.failures:
            found.append(f"{count} packets could not be decoded and are left out")
        if self._gaps:
            found.append(f"{self._gaps} gaps between packets")
        frames, promised = self._stream.frames, self._length()  # 0 where unknown
        lacking = not frames or frames - read > max(_FEW, _SHORTFALL * frames)
        if lacking and promised - self._reached > max(longest, _SHORTFALL * promised):
            found.append(f"about {promised:.1f} s of video expected, {self._reached:.1f} s found")
        if found:
            self.damage = f"damaged or cut: {', '.join(found)}; what there is of it is used"
            log.warning("%s: %s", self.name, self.damage)

    def _length(self) -> float:
        """Seconds that the header promises, 0 where it does not say."""
        return max(_duration(self._container, self._stream), self._stream.frames / self.fps)

    def _no_video(self, found: str) -> SourceFileError:
        return SourceFileError(
            f"{self._path}: expected a video or a picture, found none ({found}); "
            "copy it again if it is cut, or see if another program opens it"
        )


def _duration(container: InputContainer, stream: VideoStream) -> float:
    """Seconds that the header promises, 0 where it does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def _check(address: str, _: object, limits: Limits, __: object) -> str:
    with VideoSource(Path(address), max_pixels=limits.max_pixels) as source:
        return source.description


ADAPTER = SourceAdapter(
    "video",
    matches=os.path.exists,  # unlike Path's, it raises nothing
    open=lambda address, _, limits: VideoSource(Path(address), max_pixels=limits.max_pixels),
    check=_check,
)
