"""Video and audio in a file that can be played at any moment.

MP4 and Matroska hold H.264, WebM holds VP9. MP4 is written in fragments, the others in clusters, of
a second each: what a kill or a full disk leaves plays up to its last two seconds. A file that is
closed has the usual index besides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from io import FileIO
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from edge.sinks.audio import AudioTrack, open_audio
from edge.sinks.output import Whole
from edge.types import Frame, Image

_CLOCK = 90_000
"""Ticks a second, so that every usual frame rate is whole ticks."""
_WIDEST = 4096
"""Pixels of a side: few players take more."""
_KEY_EVERY = 1.0
"""Seconds between key frames, and so the length of a fragment."""
_STILL, _FRAME = 1.0, 0.04
"""How long a still frame is shown, and the last frame where nothing tells, seconds."""
_LONGEST = 6 * 3600.0
"""Seconds of a file: its index grows in memory, by 8 MB an hour, and MP4 counts a frame's ticks in
31 bits."""
_AUDIO_WITHIN = 2.0
"""Seconds of video that may come before the first packet of audio."""
_FORMATS = {
    ".mp4": ("mp4", {"movflags": "hybrid_fragmented"}),
    ".mkv": ("matroska", {"cluster_time_limit": "1000"}),
    ".webm": ("webm", {"cluster_time_limit": "1000"}),
}
_OPTIONS = {"flush_packets": "1", "max_interleave_delta": "500000"}
_H264 = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "crf": "25",
    # subme and deblock halve the size at little cost; the rest is for a variable frame rate.
    "x264-params": "subme=1:no-deblock=0:force-cfr=0:fps=30",
}
_VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "lag-in-frames": "0",  # a packet for each frame, at once
    "auto-alt-ref": "0",
    "crf": "34",
    "b": "0",  # the quality of crf, whatever it takes
}
_ENCODERS = {
    "mp4": ("libx264", _H264),
    "matroska": ("libx264", _H264),
    "webm": ("libvpx-vp9", _VP9),
}
_BT601, _LIMITED_RANGE = 6, 1
"""What ``cv2.COLOR_BGR2YUV_I420`` gives, as FFmpeg numbers it."""

Packets = Sequence["av.Packet[Any]"]


class Movie:
    """One file: encodes, muxes and keeps the time. Raises ``OSError`` and ``FFmpegError``."""

    def __init__(self, file: FileIO, suffix: str, first: Image) -> None:
        """Take an empty ``file``, which is closed along; ``first`` gives the size."""
        kind, options = _FORMATS[suffix]
        height, width = first.shape[:2]
        scale = min(_WIDEST / max(height, width), 1.0)
        self._size = _even(width * scale), _even(height * scale)
        self._file = file
        self._container = av.open(Whole(file), "w", format=kind, options=options | _OPTIONS)
        codec, encoding = _ENCODERS[kind]
        self._video: Any = self._container.add_stream(
            codec, rate=30, options=encoding, time_base=Fraction(1, _CLOCK)
        )
        context: Any = self._video.codec_context
        context.width, context.height = self._size
        context.color_range, context.colorspace = _LIMITED_RANGE, _BT601
        context.thread_count = 1  # more cost more, and the run has work for the other cores
        context.gop_size = 250  # at the latest: key frames come by the time
        context.framerate = Fraction(0)  # Matroska would promise it to every player
        self._audio: AudioTrack | None = None
        self._header: list[av.Packet[Any]] | None = []
        """What waits until it is known whether there is audio: the header names the streams."""
        self._source: str | None = None
        self._offset = self._time = self._end = 0.0
        self._key = -_KEY_EVERY
        self._pts = -1
        self._encoded: Packets = ()
        """What waits for the time of the next picture, which is when it ends."""
        self._failed = False

    def takes(self, frame: Frame, size: float) -> bool:
        """Whether ``frame`` still belongs into a file of ``size`` bytes and six hours."""
        return self._file.tell() < size and self._start_of(frame) < _LONGEST

    def add(self, frame: Frame) -> None:
        """Show ``frame`` from its time on, with the audio that comes with it."""
        if self._failed:  # FFmpeg would crash
            return
        self._move_on(frame)
        packets = self._encode(frame.image)
        if self._header is not None:
            self._header += packets
            if frame.audio:
                self._audio = open_audio(self._container, frame.audio[0].stream)
            elif not (frame.live or frame.still or self._time > _AUDIO_WITHIN):
                return
            packets, self._header = self._header, None
        self._mux(packets)
        if self._audio:
            self._mux(self._audio.packets(frame.audio, self._offset, self._end))

    def close(self) -> None:
        """Write what waits and the index, unless a write has failed, and close the file."""
        with self._file:
            if not self._failed:
                last = [*self._encoded, *self._video.encode(None)]
                self._mux([*(self._header or ()), *_timed(last, round(self._end * _CLOCK))])
                with self._whole():
                    self._container.close()
                os.fsync(self._file.fileno())

    def _start_of(self, frame: Frame) -> float:
        return frame.time + self._offset if frame.source == self._source else self._end

    def _move_on(self, frame: Frame) -> None:
        """Find out when ``frame`` begins and, as far as it is known, when it ends."""
        start = self._start_of(frame)
        step = start - self._time if frame.source == self._source else _FRAME
        self._source, self._offset, self._time = frame.source, start - frame.time, start
        self._end = start + (_STILL if frame.still else min(max(step, 0.0), _STILL))

    def _encode(self, image: Image) -> Packets:
        height, width = (max(side // 2 * 2, 1) for side in image.shape[:2])
        fitted = fit(image[:height, :width], self._size)
        planes = cv2.cvtColor(fitted, cv2.COLOR_BGR2YUV_I420)
        picture = av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")
        self._pts = max(round(self._time * _CLOCK), self._pts + 1)
        picture.pts, picture.time_base = self._pts, Fraction(1, _CLOCK)
        if self._time - self._key >= _KEY_EVERY:
            picture.pict_type, self._key = PictureType.I, self._time
        encoded = [*self._encoded, *self._video.encode(picture)]
        self._encoded = [packet for packet in encoded if packet.pts == self._pts]
        return _timed([packet for packet in encoded if packet.pts != self._pts], self._pts)

    def _mux(self, packets: Packets) -> None:
        with self._whole():
            self._container.mux(packets)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Let the file end after a whole fragment where the body fails."""
        size = self._file.tell()
        try:
            yield
        except Exception:
            self._failed = True
            with suppress(OSError):
                self._file.seek(size)
                self._file.truncate()
            raise


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


def _timed(packets: Packets, end: int) -> Packets:
    """Let ``packets`` last until ``end``, in ticks."""
    for packet in packets:
        packet.duration = end - (packet.pts or 0)
    return packets


def _even(side: float) -> int:
    """Round down: the colour planes have half as many pixels."""
    return max(round(side) // 2 * 2, 2)
