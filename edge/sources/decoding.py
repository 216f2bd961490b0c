"""Decodes video with PyAV, of files and of streams: upright BGR images with square pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.adapters import MOST_PIXELS
from edge.assets import extra
from edge.errors import SourceError, first_line
from edge.types import LARGEST_SIDE, Image

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_TURNS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)
_NO_VIDEO = {
    *("concat", "dash", "hls", "imf", "rtsp", "sdp", "webm_dash_manifest"),
    *("tty", "apng", "image2", "image2pipe"),
}
_MOST_STRETCH = 4
"""Pixels that are longer than this a side are a damaged header."""
_MOST_FPS = 240.0
"""Some containers name their clock's ticks instead of the rate, 1,000 a second."""


def load_av() -> Any:
    """Import PyAV; raises ``SourceError`` with advice where it is not installed."""
    try:
        # Takes 0.05 s and 20 MB, which cameras and pictures do without.
        import av  # noqa: PLC0415
    except ImportError as error:
        raise SourceError(
            f"video: expected the package av, found: {first_line(error)}; {extra('video')}"
        ) from error
    return av


def format_limit(also: Iterable[str] = ()) -> dict[str, str]:
    """Return the option of FFmpeg's that lets it read no lists, texts and pictures.

    Lists name other files and addresses, which it would open; of pictures it unpacks what is said
    about them, whatever the size. ``also`` are formats that are wanted all the same.
    """
    formats = load_av().formats_available
    pictures = {name for name in formats if name.endswith("_pipe")} - {"jpeg_pipe"}
    return {"format_whitelist": ",".join(sorted(formats - _NO_VIDEO - pictures | set(also)))}


def find_video(container: InputContainer) -> VideoStream | None:
    """Return the video stream with the most to show, no cover picture; None where there is none."""
    cover = load_av().stream.Disposition.attached_pic
    streams: list[Any] = [container.streams.best("video"), *container.streams.video]
    return next((stream for stream in streams if stream and not stream.disposition & cover), None)


def pixel_limit(max_pixels: int) -> dict[str, str]:
    """Return the option of FFmpeg's that keeps decoders from larger pictures.

    A container takes it for the decoders that look for what a header lacks, a codec for its own.
    """
    return {"max_pixels": str(max_pixels)}


def frame_rate(stream: VideoStream) -> float:
    """Return the nominal frames a second, 0 where unknown."""
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((float(rate) for rate in rates if rate and 1 <= rate <= _MOST_FPS), 0.0)


def codec_name(container: Any) -> str:
    """Return what FFmpeg calls the codec of the first video, which PyAV tells in its log alone."""
    logging_of_av = load_av().logging
    level = logging_of_av.get_level()
    logging_of_av.set_level(logging_of_av.INFO)
    try:
        named = re.search(r"Video: (.+?)[,\n]", container.dumps_format())
    finally:
        logging_of_av.set_level(level)
    return named[1] if named else "another one"


class Decoder:
    """Decodes packets of ``stream``; ``failures`` counts those that could not be.

    A picture of more than ``max_pixels`` is such a failure.

    ``threads`` is PyAV's thread type: "AUTO" decodes several frames at a time, which is fastest,
    "SLICE" one after the other, which gives each one soonest. ``count`` is how many, 0: one a core.

    Interlaced frames are made whole by FFmpeg's bwdif filter: from the first one on, all frames
    pass it, which leaves the progressive ones as they are.
    """

    def __init__(
        self, stream: VideoStream, threads: Any, count: int = 0, max_pixels: int = MOST_PIXELS
    ) -> None:
        """Prepare to decode ``stream``."""
        self.failures = 0
        self._av = load_av()
        self._stream = stream
        stream.thread_type = threads
        stream.codec_context.thread_count = count
        stream.codec_context.options = pixel_limit(max_pixels)
        self._max_pixels = max_pixels
        self._converter = self._av.video.reformatter.VideoReformatter()
        self._filter: _Deinterlacer | None = None
        self._aspect = stream.sample_aspect_ratio or Fraction(1)
        self._codec_aspect = stream.codec_context.sample_aspect_ratio

    def decode(self, packet: Packet[VideoStream] | None) -> Iterator[tuple[Image, float | None]]:
        """Yield images (``uint8[H, W, 3]`` BGR) with their times in seconds by the file's clock.

        None is the end: it gives what is still inside.
        """
        for frame in self.frames(packet):
            if (image := self.image(frame)) is not None:
                yield image, frame.time

    def frames(
        self, packet: Packet[VideoStream] | None, spare: bool = False
    ) -> Iterator[VideoFrame]:
        """Yield whole frames as the codec has them, for ``image``.

        None is the end: it gives what is still inside. A ``spare`` packet is left out if no other
        frame needs its own.
        """
        try:
            self._stream.codec_context.skip_frame = "NONREF" if spare else "DEFAULT"
            frames = self._stream.decode(packet)
            for frame in frames:
                frame.time_base = self._stream.time_base
            for frame in self._progressive(frames, ending=packet is None):
                self._update_aspect(frame)
                yield frame
        except self._av.FFmpegError:
            self.failures += 1

    def close(self) -> None:
        """Free the codec with its threads; only ``failures`` is left."""
        del self._stream, self._converter, self._filter

    def flush(self) -> None:
        """Forget what came before; the next packet is of a key frame."""
        self._stream.codec_context.flush_buffers()

    @property
    def interlaced(self) -> bool:
        """Whether there was an interlaced frame."""
        return self._filter is not None

    def _progressive(self, frames: Iterable[VideoFrame], ending: bool) -> Iterator[VideoFrame]:
        for frame in frames:
            if self._filter is None and not frame.interlaced_frame:
                yield frame
                continue
            if self._filter is None or not self._filter.fits(frame):
                if self._filter:
                    yield from self._filter.process(None)
                self._filter = _Deinterlacer(frame)
            yield from self._filter.process(frame)
        if ending and self._filter:
            yield from self._filter.process(None)

    def image(self, frame: VideoFrame) -> Image | None:
        """Return the last one of ``frames`` as ``uint8[H, W, 3]`` BGR, None where that fails."""
        width = max(round(frame.width * self._aspect), 1)
        if max(width, frame.height) > LARGEST_SIDE:
            self.failures += 1
            return None
        try:
            picture = self._converter.reformat(
                frame,
                width=width,
                format="bgr24",
                interpolation="BICUBIC",
                threads=1,
            )
        except self._av.FFmpegError:
            self.failures += 1
            return None
        image = np.ascontiguousarray(picture.to_ndarray(), np.uint8)
        turn = _TURNS[round(-frame.rotation / 90) % 4]
        return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)

    def _update_aspect(self, frame: VideoFrame) -> None:
        """Follow the codec where its pixels change shape; at first the container decides."""
        # PyAV tells the codec's aspect alone, which is that of a frame to come: it changes with a
        # key frame.
        aspect = self._stream.codec_context.sample_aspect_ratio
        if frame.key_frame and aspect != self._codec_aspect:
            self._aspect, self._codec_aspect = aspect or Fraction(1), aspect
        pixels = frame.width * frame.height
        too_large = self._aspect * pixels > max(self._max_pixels, pixels)
        if too_large or not 1 / _MOST_STRETCH <= self._aspect <= _MOST_STRETCH:
            self._aspect = Fraction(1)


class _Deinterlacer:
    """FFmpeg's bwdif for frames of one size and format, one frame for each."""

    def __init__(self, frame: VideoFrame) -> None:
        self._av = load_av()
        self._key = _key(frame)
        width, height, pixels = self._key
        graph = self._graph = self._av.filter.Graph()
        source = graph.add_buffer(
            width=width, height=height, format=pixels, time_base=frame.time_base
        )
        bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()

    def fits(self, frame: VideoFrame) -> bool:
        return _key(frame) == self._key

    def process(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Yield the frames that are ready; None is the end."""
        self._graph.push(frame)
        with suppress(self._av.BlockingIOError, self._av.EOFError):
            while True:
                yield self._graph.pull()


def _key(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
