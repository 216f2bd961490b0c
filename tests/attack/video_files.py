"""Files of videos that the attacks are made of: valid ones, and ones with fields changed."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from edge.types import Image
from tests.edge.sources.media import combed, grey_jpeg, moving, write_jpegs, write_video

os.environ.setdefault("SVT_LOG", "0")  # the AV1 encoder tells all it does otherwise
_CODECS: Mapping[str, tuple[str, str]] = {
    "mp4": ("libx264", "yuv420p"),
    "fragmented.mp4": ("libx264", "yuv420p"),
    "mov": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "ts": ("libx264", "yuv420p"),
    "flv": ("flv", "yuv420p"),
    "avi": ("mjpeg", "yuvj420p"),
    "mpg": ("mpeg2video", "yuv420p"),
    "wmv": ("wmv2", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
    "ogv": ("libtheora", "yuv420p"),
    "hevc.mkv": ("libx265", "yuv420p"),
    "av1.mp4": ("libsvtav1", "yuv420p"),
}
KINDS = tuple(kind for kind, (codec, _) in _CODECS.items() if codec in av.codecs_available)
"""What ``video`` makes."""


def made(write: Callable[[Path], object], suffix: str) -> bytes:
    """Return the file that ``write`` writes to a path of that suffix."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        write(path)
        return path.read_bytes()


@cache
def video(kind: str, count: int = 12) -> bytes:
    """Return a valid file of ``count`` frames of 96×66; ``kind`` ends with its suffix."""
    codec, pixels = _CODECS[kind]
    container = {"movflags": "frag_keyframe+empty_moov"} if kind.startswith("frag") else {}
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {"g": "6"}
    images = moving(count, 96, 66)
    return made(
        lambda path: write_video(
            path, images, codec, options=options, pixels=pixels, container=container
        ),
        kind.rpartition(".")[2],
    )


def cut(kind: str, share: float) -> bytes:
    """Return the beginning of a valid file, a ``share`` of it."""
    content = video(kind, 40)
    return content[: round(share * len(content))]


def written(codec: str, images: Sequence[Image], suffix: str = "mkv", **more: Any) -> bytes:
    """Return a video of ``images``."""
    return made(lambda path: write_video(path, images, codec, **more), suffix)


def changed(kind: str, box: bytes, *fields: tuple[int, bytes]) -> bytes:
    """Return a valid file with bytes changed, each so many bytes after the end of a box's name."""
    content = bytearray(video(kind))
    start = content.index(box) + len(box)
    for offset, field in fields:
        content[start + offset : start + offset + len(field)] = field
    return bytes(content)


def big(value: int) -> bytes:
    """Return 32 bits, as MP4 has them."""
    return struct.pack(">I", value & 0xFFFFFFFF)


def little(value: int) -> bytes:
    """Return 32 bits, as AVI has them."""
    return struct.pack("<I", value & 0xFFFFFFFF)


def without(kind: str, box: bytes) -> bytes:
    """Return a valid file with a box renamed, so that nobody knows it."""
    return video(kind).replace(box, b"free")


def jpegs(sizes: Sequence[tuple[int, int]], header: tuple[int, int], suffix: str = "avi") -> bytes:
    """Return a video of plain JPEGs of any sizes; its header says one."""
    pictures = [grey_jpeg(*size) for size in sizes]
    return made(lambda path: write_jpegs(path, pictures, *header), suffix)


def sizes_that_change() -> bytes:
    """Return an MPEG transport stream of three sizes, one after the other."""
    return b"".join(
        written("mpeg2video", moving(8, width, height), "ts", options={"g": "4"})
        for width, height in ((96, 66), (192, 126), (48, 36))
    )


def interlaced(width: int, height: int) -> bytes:
    """Return interlaced MPEG-2 of any size."""
    options = {"flags": "+ildct+ilme", "qscale": "2"}
    return written("mpeg2video", combed(10, width, height), "ts", options=options)


def odd(width: int, height: int) -> bytes:
    """Return a lossless video of any size."""
    images = [np.full((height, width, 3), 10 * n, np.uint8) for n in range(6)]
    return written("ffv1", images, pixels="bgr0")


def sound(suffix: str) -> bytes:
    """Return a file of sound alone."""

    def write(path: Path) -> None:
        with av.open(str(path), "w") as out:
            stream: Any = out.add_stream("aac" if suffix == "mp4" else "pcm_s16le", rate=16000)
            kind = "fltp" if suffix == "mp4" else "s16"
            samples = np.zeros((1, 16000), np.float32 if kind == "fltp" else np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format=kind, layout="mono")
            frame.sample_rate = 16000
            out.mux([*stream.encode(frame), *stream.encode(None)])

    return made(write, suffix)


def many_streams(count: int) -> bytes:
    """Return a file of so many videos, side by side."""
    jpeg = grey_jpeg(64, 48)

    def write(path: Path) -> None:
        with av.open(str(path), "w") as out:
            streams: list[Any] = [out.add_stream("mjpeg", rate=25) for _ in range(count)]
            for stream in streams:
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
            for number in range(3):
                for stream in streams:
                    packet = av.Packet(jpeg)
                    packet.stream, packet.pts, packet.dts = stream, 40 * number, 40 * number
                    packet.time_base, packet.is_keyframe = Fraction(1, 1000), True
                    out.mux(packet)

    return made(write, "mkv")


def no_frames(suffix: str) -> bytes:
    """Return a file that has a video without a frame."""

    def write(path: Path) -> None:
        with av.open(str(path), "w") as out:
            stream: Any = out.add_stream("mjpeg", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
            out.start_encoding()

    return made(write, suffix)
