"""Samples of a video by time; what they do not need is not decoded."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from edge.sources.decoding import Decoder

if TYPE_CHECKING:
    from av import Packet, VideoFrame

_SLACK = 1e-6
"""Seconds; what containers and floating point round is smaller."""
_MOST_BYTES = 32 << 20
"""Of packets that wait for the next key frame."""
_INTRA = 1
"""PyAV's type of a picture that needs no other."""


class CannotSkipError(Exception):
    """This file gives the right samples only where every packet is decoded."""


def next_due(time: float, every: float) -> float:
    """Return the first multiple of ``every`` after ``time``, a little early; all in seconds."""
    return (math.floor((time + _SLACK) / every) + 1) * every - _SLACK


def _seconds(packet: Packet[Any]) -> float:
    return float((packet.pts or 0) * packet.time_base)


class Sampler:
    """Gives the first frame at or after 0, ``every``, 2 × ``every``… seconds of a video.

    With ``skipping``, packets wait until it is known which of them is the next sample. Those before
    the last key frame that leads to it are dropped, and so are, by the decoder, frames that none
    refers to. Where the packets' times or the decoded frames are not as that takes them to be,
    ``samples`` raises ``CannotSkipError``: begin again without, with ``due`` of this one.
    """

    def __init__(
        self,
        decoder: Decoder,
        every: float,
        fps: float,
        *,
        due: float = 0.0,
        skipping: bool = True,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """Prepare for the packets that ``decoder`` is for."""
        self.due = due
        """When the next sample is due, in seconds from the first frame on."""
        self.number = 0
        """Of the last sample, among all frames: from its time where not each one is decoded."""
        self.longest = 0.0
        """The longest time between two packets, in seconds."""
        self._decoder, self._every, self._fps, self._skipping = decoder, every, fps, skipping
        self.start: float | None = None
        """The time of the first frame by the container's clock, in seconds."""
        self._count = 0
        """How many frames were decoded."""
        self._last = -math.inf
        """The time of the last decoded frame."""
        self._reached = -math.inf
        """The latest time of a packet by the container's clock."""
        self._waiting: list[tuple[float, Packet[Any]]] = []
        """Packets not yet decoded, with their times."""
        self._bytes, self._most_bytes = 0, most_bytes
        self._dropped = False
        """Packets before the waiting ones were dropped: the first of them is a key frame."""
        self._wanted = 0.0
        """When a sample of the packets to come is due."""
        self._late: float | None = None
        """The time of the first packet from there on."""
        self._key = -math.inf
        """The container's time stamp of the key frame that decoding went on with."""
        self._expected: deque[int] = deque()
        """The stamps of frames that the decoder has to give, in order."""

    def samples(self, packets: Iterable[Packet[Any]]) -> Iterator[tuple[VideoFrame, float]]:
        """Yield the frames that are due with their times, in seconds from the first one on."""
        feed = self._plan if self._skipping else self._decoder.frames
        for packet in packets:
            self._follow(packet)
            yield from self._due(feed(packet))
        yield from self._due(self._end() if self._skipping else self._decoder.frames(None))

    def _follow(self, packet: Packet[Any]) -> None:
        """See that times are there and rise from key frame to key frame."""
        if packet.pts is None:
            self._doubt("a packet without a time")
            return
        at = _seconds(packet)
        if at <= self._reached and packet.is_keyframe:
            self._doubt("times that go back")
        if self._reached > -math.inf:
            self.longest = max(self.longest, at - self._reached)
        self._reached = max(self._reached, at)
        if self.start is not None and packet.has_sidedata("new_extradata"):
            self._doubt("a header that changes")  # which the key frames after it need too

    def _due(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[VideoFrame, float]]:
        """Yield those of the decoded ``frames`` that are due."""
        for frame in frames:
            if self._skipping and not self._is_sound(frame):
                continue
            self._count += 1
            stamp = frame.time if frame.pts is not None else None
            if self.start is None:
                self.start = stamp or 0.0
                self._wanted = next_due(0, self._every)
            time = stamp - self.start if stamp is not None else 0.0
            if time <= self._last:
                self._doubt("frames whose times go back")
                time = self._last + 1 / self._fps
            self._last = time
            if time >= self.due:
                self.due = next_due(time, self._every)
                self.number = round(time * self._fps) if self._skipping else self._count - 1
                yield frame, time

    def _is_sound(self, frame: VideoFrame) -> bool:
        """Whether ``frame`` was decoded from all that it refers to."""
        stamp = frame.pts
        if self._decoder.interlaced:
            raise CannotSkipError("interlaced frames are made of three")
        if stamp is None:
            raise CannotSkipError("a frame without a time")
        if stamp < self._key:  # refers to what was dropped
            return False
        if self._expected and stamp >= self._expected[0]:
            if stamp != self._expected.popleft():
                raise CannotSkipError("a frame is missing")
            if stamp == self._key and not (frame.key_frame or frame.pict_type == _INTRA):
                raise CannotSkipError("a key frame that is none")
        return True

    def _doubt(self, found: str) -> None:
        if self._skipping:
            raise CannotSkipError(found)

    def _plan(self, packet: Packet[Any]) -> Iterator[VideoFrame]:
        """Take ``packet``; yield what is decoded once a sample is known to be among those before.

        Packets come in the order of decoding: what follows one and comes later in time than it
        has no frame before it.
        """
        if self.start is None:
            yield from self._decoder.frames(packet)
            return
        time = _seconds(packet) - self.start
        if self._late is not None and time > self._late:
            yield from self._decode_sample()
        if packet.is_keyframe and self._late is None and time <= self._wanted:
            self._drop(len(self._waiting))
        if self._late is None and time >= self._wanted:
            self._late = time
        self._waiting.append((time, packet))
        self._bytes += packet.size
        if self._late is None and self._bytes > self._most_bytes:
            yield from self._decode_waiting(None)

    def _drop(self, count: int) -> None:
        """Drop the first ``count`` waiting packets; a key frame follows."""
        self._dropped |= count > 0
        self._bytes -= sum(packet.size for _, packet in self._waiting[:count])
        del self._waiting[:count]

    def _decode_sample(self) -> Iterator[VideoFrame]:
        sample = min(time for time, _ in self._waiting if time >= self._wanted)
        keys = (
            index
            for index, (time, packet) in enumerate(self._waiting)
            if packet.is_keyframe and time <= sample
        )
        self._drop(max(keys, default=0))
        self._wanted, self._late = next_due(sample, self._every), None
        yield from self._decode_waiting(sample)

    def _decode_waiting(self, sample: float | None) -> Iterator[VideoFrame]:
        if self._dropped:
            yield from self._drain()
            self._decoder.flush()
            self._dropped = False
            self._key = self._waiting[0][1].pts or 0
            self._expected.append(self._key)
        for time, packet in self._waiting:
            if time == sample and packet.pts not in self._expected:
                self._expected.append(packet.pts or 0)
        for time, packet in self._waiting:
            spare = time < self._wanted and time != sample and not packet.is_keyframe
            yield from self._decoder.frames(packet, spare)
        self._waiting.clear()
        self._bytes = 0

    def _drain(self) -> Iterator[VideoFrame]:
        """Yield what is still in the decoder."""
        yield from self._decoder.frames(None)
        if self._expected:
            raise CannotSkipError("a frame is missing")

    def _end(self) -> Iterator[VideoFrame]:
        if self._late is not None:
            yield from self._decode_sample()
        self._waiting.clear()
        yield from self._drain()
