"""Videos of each kind that a test needs, made with PyAV."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image as Pillow

from edge.types import Image


def plain(value: int = 0, width: int = 64, height: int = 48) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def corner(width: int = 64, height: int = 48) -> Image:
    """Dark, with a bright top left quarter: it tells how it was turned and stretched."""
    image = plain(20, width, height)
    image[: height // 2, : width // 2] = 230
    return image


def ramp(count: int, width: int = 64, height: int = 48) -> list[Image]:
    """Pictures that grow brighter."""
    return [plain(40 + 8 * (index % 24), width, height) for index in range(count)]


def moving(count: int, width: int = 64, height: int = 48) -> list[Image]:
    """Pictures of which no two are the same: a window that moves over a pattern."""
    noise = np.random.default_rng(0).integers(0, 255, (6, width // 8 + count), np.uint8)
    pattern = np.repeat(np.repeat(noise, height // 6, axis=0), 8, axis=1)
    return [
        np.ascontiguousarray(np.stack([pattern[:, 3 * i : 3 * i + width]] * 3, axis=-1))
        for i in range(count)
    ]


def write_video(
    path: Path,
    images: Sequence[Image],
    codec: str = "libx264",
    fps: int = 25,
    *,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    aspect: Fraction | None = None,
    turn: int = 0,
    damaged: Sequence[int] = (),
    audio: float = 0,
    cover: Image | None = None,
    times: Sequence[tuple[float, float]] = (),
    container: dict[str, str] | None = None,
) -> Path:
    """Encode ``images``; packets with the numbers in ``damaged`` are replaced by nonsense.

    ``times`` are the time and the duration of each packet, in seconds. ``audio`` adds a tone, at
    least so many seconds long; ``container`` are options of that.
    """
    with av.open(str(path), "w", options=container or {}) as out:
        if cover is not None:
            picture = _stream(out, "mjpeg", cover, 1, "yuvj420p")
        stream = _stream(out, codec, images[0], fps, pixels)
        stream.options = options or {}
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn:
            stream.set_display_rotation(-turn)
        sound = out.add_stream("aac", rate=16000) if audio else None
        if cover is not None:
            out.mux([*picture.encode(_frame(cover)), *picture.encode(None)])
        if sound is not None:
            _mux_tone(out, sound, max(len(images) / fps, audio))
        packets = [packet for image in images for packet in stream.encode(_frame(image))]
        for number, packet in enumerate([*packets, *stream.encode(None)]):
            if times:
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = round(1000 * times[number][0])
                packet.duration = round(1000 * times[number][1])
            out.mux(_nonsense(packet) if number in damaged else packet)
    return path


def _stream(out: Any, codec: str, image: Image, fps: int, pixels: str) -> Any:
    stream = out.add_stream(codec, rate=fps)
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = pixels
    return stream


def _frame(image: Image) -> Any:
    return av.VideoFrame.from_ndarray(image, format="bgr24")


def _nonsense(packet: Any) -> Any:
    other = av.Packet(b"\x55" * max(packet.size, 40))
    other.stream, other.pts, other.dts = packet.stream, packet.pts, packet.dts
    other.time_base, other.duration = packet.time_base, packet.duration
    other.is_keyframe = packet.is_keyframe
    return other


def _mux_tone(out: Any, stream: Any, seconds: float) -> None:
    samples = np.arange(round(16000 * seconds), dtype=np.float32)
    tone = (0.2 * np.sin(samples / 6))[np.newaxis]
    frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
    frame.sample_rate = 16000
    out.mux([*stream.encode(frame), *stream.encode(None)])


def grey_jpeg(width: int, height: int) -> bytes:
    """Return a plain JPEG of any size, in 6 bits for each 8×8 pixels, without making it."""
    with io.BytesIO() as file:
        Pillow.new("L", (8, 8), 128).save(file, "JPEG")
        content = bytearray(file.getvalue())
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    blocks = -(-width // 8) * -(-height // 8)
    return bytes(content[: scan + 10]) + b"\x28\xa2\x8a" * -(-blocks // 4) + b"\xff\xd9"


def write_jpegs(path: Path, jpegs: Sequence[bytes], width: int = 320, height: int = 240) -> Path:
    """Write a video of ``jpegs`` as they are; its header says ``width`` × ``height``."""
    with av.open(str(path), "w") as out:
        stream = _stream(out, "mjpeg", plain(0, width, height), 25, "yuvj420p")
        for number, jpeg in enumerate(jpegs):
            packet = av.Packet(jpeg)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            out.mux(packet)
    return path


INTERLACED = {"flags": "+ildct+ilme", "qscale": "2"}
"""Options that make MPEG-2 of ``write_video`` interlaced."""


def combed(count: int, width: int = 96, height: int = 64) -> list[Image]:
    """Pictures of two fields: the bright bar of the second one is further on than the first one's.

    Without deinterlacing, odd and even lines differ around the bar.
    """
    images = []
    for index in range(count):
        image = plain(30, width, height)
        for field in (0, 1):
            left = 8 + 3 * index + 10 * field
            image[field::2, left : left + 24] = 220
        images.append(image)
    return images


def comb(image: Image) -> float:
    """How much neighbouring lines differ on average, without the outer ones."""
    grey = image[8:-8].mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean())


def tiled_tiff(tile: int) -> bytes:
    """64×48 grey pixels in a tile of that side, of which the first 64 rows are there."""
    values = {256: 64, 257: 48, 258: 8, 259: 1, 262: 1, 322: tile, 323: tile, 324: 130, 325: 4096}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    header = b"II*\0" + struct.pack("<IH", 8, len(values)) + entries
    return header.ljust(130, b"\0") + bytes(4096)
