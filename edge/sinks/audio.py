"""The audio of a video file in the file that is recorded from it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import av
from av.container import OutputContainer
from av.error import FFmpegError

from edge.errors import first_line

log = logging.getLogger(__name__)

_COPIED = {
    "mp4": ("aac", "mp3", "opus", "flac"),  # what browsers play in it
    "matroska": ("aac", "mp3", "opus", "flac", "vorbis", "ac3", "eac3"),
    "webm": ("opus", "vorbis"),
}
_ENCODED = {"mp4": ("aac", 1024), "matroska": ("aac", 1024), "webm": ("libopus", 960)}
"""What others become: the encoder, and the samples of its frames."""
_WITHOUT_HEADER = ("mp3", "ac3", "eac3")
"""Codecs whose packets need no header of the stream."""
_RATE = 48_000

Packet = Any
"""``av.Packet`` of an audio stream."""


def open_audio(container: OutputContainer, source: Any) -> AudioTrack | None:
    """Add a stream to ``container`` for ``source``, a stream of a file; None where that fails.

    The header of ``container`` is not to be written yet.
    """
    try:
        return AudioTrack(container, source)
    except (FFmpegError, ValueError) as error:
        log.warning("%s: the recording has no audio: %s", source.name, first_line(error))
        return None


class AudioTrack:
    """Packets of the audio stream ``source``: copied where the container takes the codec.

    Others become AAC or, in WebM, Opus. Times are seconds.
    """

    def __init__(self, container: OutputContainer, source: Any) -> None:
        """See ``open_audio``; raises ``FFmpegError`` and ``ValueError``."""
        self._source, self._waiting = source, list[Packet]()
        self._decoder: Any = None
        context = source.codec_context
        codec = context.codec.canonical_name
        headed = context.extradata or codec in _WITHOUT_HEADER
        if codec in _COPIED[container.format.name] and headed:
            self._stream: Any = container.add_stream_from_template(source)
            return
        self._decoder = av.CodecContext.create(context.name, "r")  # other sinks have their own
        for name in ("extradata", "sample_rate", "layout"):
            setattr(self._decoder, name, getattr(context, name))
        self._decoder.open()
        layout = "mono" if context.channels == 1 else "stereo"
        encoder, samples = _ENCODED[container.format.name]
        self._stream = container.add_stream(encoder, rate=_RATE, layout=layout)
        sample_format = self._stream.codec_context.format.name
        self._resampler = av.AudioResampler(sample_format, layout, _RATE, samples)

    def packets(self, given: Sequence[Packet], offset: float, until: float) -> list[Packet]:
        """Return what begins before ``until``, of ``given``, ``offset`` later, and of before."""
        for packet in given:
            if packet.stream is self._source and packet.pts is not None:
                self._waiting += self._converted(_copy(packet, offset))
        due = [packet for packet in self._waiting if _time(packet) < until]
        self._waiting = [packet for packet in self._waiting if _time(packet) >= until]
        return [packet for packet in due if packet.pts >= 0]

    def _converted(self, packet: Packet) -> Iterator[Packet]:
        if self._decoder is None:
            packet.stream = self._stream
            yield packet
            return
        try:
            frames = self._decoder.decode(packet)
        except FFmpegError:  # damaged: the rest is worth having
            return
        for frame in frames:
            for part in self._resampler.resample(frame):
                yield from self._stream.encode(part)


def _copy(packet: Packet, offset: float) -> Packet:
    """The same data ``offset`` later; the packet itself may be another sink's too."""
    copy: Packet = av.Packet(bytes(packet))
    copy.time_base, copy.duration = packet.time_base, packet.duration
    copy.pts = copy.dts = packet.pts + round(offset / packet.time_base)
    copy.is_keyframe = True
    return copy


def _time(packet: Packet) -> float:
    return float(packet.pts * packet.time_base)
