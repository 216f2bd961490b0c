"""Files of pictures that the attacks are made of: valid ones, and headers that claim anything."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

KINDS = (
    *("jpg", "progressive.jpg", "png", "interlaced.png", "gif", "bmp", "tif", "lzw.tif"),
    *("webp", "avif", "heic", "ppm", "sgi", "pcx", "psd"),
)
"""What ``picture`` makes."""


def noise(width: int = 96, height: int = 64) -> Image.Image:
    """Return a picture that no compression makes small."""
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@cache
def picture(kind: str) -> bytes:
    """Return a small valid file; ``kind`` ends with its suffix."""
    if kind == "psd":
        return psd(96, 64) + bytes(noise().tobytes())
    if kind == "heic":
        import pillow_heif

        with io.BytesIO() as file:
            pillow_heif.from_pillow(noise()).save(file, format="HEIF")
            return file.getvalue()
    names = {"jpg": "JPEG", "tif": "TIFF"}
    options: dict[str, dict[str, Any]] = {
        "progressive.jpg": {"progressive": True},
        "lzw.tif": {"compression": "tiff_lzw"},
    }
    if kind == "interlaced.png":
        return png(64, 64, b"".join(adam7(64)), interlaced=True)
    suffix = kind.rpartition(".")[2]
    return saved(noise(), names.get(suffix, suffix.upper()), **options.get(kind, {}))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return ``image`` as a file of Pillow's format ``kind``."""
    with io.BytesIO() as file:
        image.save(file, kind, **options)
        return file.getvalue()


# Files by hand


def chunk(name: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def png(
    width: int,
    height: int,
    rows: bytes = b"",
    *,
    depth: int = 8,
    colours: int = 0,
    before: bytes = b"",
    interlaced: bool = False,
) -> bytes:
    """Return a PNG of these claims; ``rows`` are not yet compressed, ``before`` are chunks."""
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced)
    body = chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(rows, 1))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def adam7(size: int) -> Iterator[bytes]:
    """Yield the rows of the passes of an interlaced grey PNG of ``size``², a multiple of 8."""
    for columns, rows in ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)):
        for row in range(rows * size // 8):
            yield b"\0" + bytes(range(row, row + columns * size // 8))


def flat_png(width: int, height: int) -> bytes:
    """Return a PNG of one colour, packed row by row, so that it is never in memory as a whole."""
    pack = zlib.compressobj(1)
    row = bytes(1 + 3 * width)
    rows = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb(name: bytes, keyword: bytes, size: int = 1 << 28) -> bytes:
    """Return a PNG whose chunk ``name`` unpacks to ``size`` bytes of nothing."""
    pack = zlib.compressobj(1)
    block = bytes(1 << 20)
    content = b"".join(pack.compress(block) for _ in range(size >> 20)) + pack.flush()
    return png(8, 8, bytes(9 * 8), before=chunk(name, keyword + b"\0\0" + content))


def tiff(*entries: tuple[int, int, int, int], following: int = 0, count: int = -1) -> bytes:
    """Return a TIFF of one directory; an entry is tag, type, count, value."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    number = len(entries) if count < 0 else count
    return b"II*\0\x08\0\0\0" + struct.pack("<H", number) + body + struct.pack("<I", following)


def grey_tiff(width: int, height: int, **more: Any) -> bytes:
    """Return a TIFF that claims one strip of grey pixels behind its directory."""
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: height}
    entries |= {279: width * height} | more.pop("entries", {})
    made = [(tag, 4, 1, value & 0xFFFFFFFF) for tag, value in sorted(entries.items())]
    return tiff(*made, **more).ljust(200, b"\0") + bytes(range(256)) * 4


def bmp(width: int, height: int, bits: int = 24, colours: int = 0, offset: int = 54) -> bytes:
    """Return a BMP of these claims, and a few pixels."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", 1 << 20, 0, 0, offset) + head + bytes(range(256)) * 16


def gif(width: int, height: int, frames: int = 1) -> bytes:
    """Return a GIF of so many frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b"\x3b"


def psd(width: int, height: int) -> bytes:
    """Return the beginning of a PSD, up to its pixels."""
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(12) + b"\0\0"


def webp(width: int, height: int) -> bytes:
    """Return a WebP whose extended header claims a size."""
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sizes
    body = b"WEBP" + extended + picture("webp")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(content: bytes) -> bytes:
    """Return a JPEG with this EXIF."""
    return saved(noise(), "JPEG", exif=b"Exif\0\0" + content)


def turned(orientation: int) -> bytes:
    """Return a JPEG of that orientation."""
    values = Image.Exif()
    values[0x0112] = orientation
    return saved(noise(), "JPEG", exif=values)


def sgi(width: int, height: int) -> bytes:
    """Return the header of an SGI picture."""
    return (b"\x01\xda\0\x01" + struct.pack(">HHHH", 3, width, height, 3)).ljust(512, b"\0")
