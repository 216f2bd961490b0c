"""Clips to scan: the demo as H.264, as long as is asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from edge.sources.demo import DemoSource, load_portraits
from edge.types import Frame

FPS = 30
LOOP = 5
"""Seconds of the demo that a clip repeats: encoded once, however long it is."""
SMALL, LARGE = (640, 360), (1920, 1080)


def write_clip(path: Path, seconds: int, size: tuple[int, int] = SMALL) -> None:
    """Write two moving faces, (width, height) pixels; ``seconds`` is a multiple of ``LOOP``."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "veryfast"}
        packets = _encoded(stream, size)
        for repetition in range(seconds // LOOP):
            for packet in packets:
                out.mux(_later(packet, stream, repetition * LOOP))


def _encoded(stream: Any, size: tuple[int, int]) -> list[Any]:
    packets: list[Any] = []
    for item in DemoSource(load_portraits(), size, frames=LOOP * FPS, fps=FPS):
        if isinstance(item, Frame):
            frame = av.VideoFrame.from_ndarray(item.image, format="bgr24")
            frame.pts, frame.time_base = item.index, Fraction(1, FPS)
            packets += stream.encode(frame)
    packets += stream.encode(None)
    return packets


def _later(packet: Any, stream: Any, seconds: int) -> Any:
    """A copy of ``packet`` with so many ``seconds`` added to its times."""
    copy: Any = av.Packet(bytes(packet))
    shift = round(seconds / packet.time_base)
    copy.stream, copy.time_base = stream, packet.time_base
    copy.pts, copy.dts = packet.pts + shift, packet.dts + shift
    copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
    return copy
