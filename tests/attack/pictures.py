"""Pictures that are damaged, huge, no pictures, or that change while they are read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image

from tests.attack.case import Case, Result, results
from tests.attack.inputs import EITHER, SAID, written
from tests.attack.picture_files import (
    KINDS,
    bmp,
    bomb,
    chunk,
    exif,
    flat_png,
    gif,
    grey_tiff,
    noise,
    picture,
    png,
    psd,
    saved,
    sgi,
    tiff,
    turned,
    webp,
)
from tests.attack.picture_places import file_cases, folder_cases, output_cases, scan_cases
from tests.edge.sources.media import grey_jpeg

_CUTS = (0.02, 0.2, 0.5, 0.9)


# Cases


def cut_cases() -> Iterator[Case]:
    """Yield each kind, cut at several places."""
    for kind in KINDS:
        for share in _CUTS:
            make = partial(_cut, kind, share)
            sample = share == _CUTS[2] and kind in {"jpg", "png", "webp"}
            yield written(f"cut to {share:.0%} .{kind}", make, EITHER, SAID, sample=sample)


def _cut(kind: str, share: float) -> bytes:
    content = picture(kind)
    return content[: max(round(share * len(content)), 1)]


def claim_cases() -> Iterator[Case]:
    """Yield headers that claim what is not there, or too much."""
    large = "megapixels"
    for width, height in ((0, 0), (0, 9), (9, 0)):
        for name, make in (("png", png), ("bmp", bmp), ("gif", gif), ("tif", grey_tiff)):
            codes = EITHER if name == "gif" else (2,)
            yield written(f"{width}x{height}.{name}", partial(make, width, height), codes, "")
    yield written("negative.bmp", lambda: bmp(-9, -9))
    yield written("most negative.bmp", lambda: bmp(9, -(1 << 31)))
    yield written("huge.bmp", lambda: bmp(60_000, 60_000), says=large)
    yield written("bmp of 5 bits", lambda: bmp(9, 9, 5))
    yield written("bmp palette far away", lambda: bmp(9, 9, 8, 1 << 30), EITHER, "")
    yield written("bmp pixels far away", lambda: bmp(9, 9, offset=1 << 31))
    yield written("huge.png", lambda: png(0x7FFFFFFF, 0x7FFFFFFF), says=large)
    yield written("huge.gif", lambda: gif(65535, 65535), says=large)
    yield written("huge.tif", lambda: grey_tiff(1 << 20, 1 << 20), says=large)
    tile = {322: 40_000, 323: 40_000, 324: 200, 325: 1024}
    yield written("one tile.tif", lambda: grey_tiff(100, 100, entries=tile), says=large)
    yield written("huge.webp", lambda: webp(16383, 16383), (2,), "expected")
    yield written("huge.psd", lambda: psd(300_000, 300_000), says=large)
    yield written("huge.ppm", lambda: b"P6 100000 100000 255\n", says=large)
    yield written("negative.ppm", lambda: b"P6 -5 5 255\n" + bytes(99))
    yield written("ppm of many digits", lambda: b"P6 " + b"9" * 5000 + b" 5 255\n" + bytes(99))
    yield written("ppm of value 0", lambda: b"P6 5 5 0\n" + bytes(99))
    yield written("huge.jpg", lambda: grey_jpeg(65_500, 65_500)[:5000], says=large)
    yield written("huge.sgi", lambda: sgi(65535, 65535), says=large)
    yield written("png of depth 3", lambda: png(9, 9, bytes(99), depth=3))
    yield written("png of colour type 9", lambda: png(9, 9, bytes(99), colours=9))
    yield written("text.jpg", lambda: b"no picture\n" * 50)
    yield written("zeros.png", lambda: bytes(5000))
    yield written("one byte.jpg", lambda: b"\xff")
    yield written("empty.jpg", lambda: b"")
    yield written("magic alone.png", lambda: b"\x89PNG\r\n\x1a\n")
    yield written("magic of another.png", lambda: picture("jpg"), (0,), "")
    yield written("wrong magic.jpg", lambda: b"\0" + picture("jpg")[1:])
    yield written("small.jp2", lambda: saved(noise(), "JPEG2000"))
    yield written("small.qoi", lambda: b"qoif" + struct.pack(">IIBB", 8, 8, 3, 0) + bytes(999))
    yield written("program.eps", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")


def bomb_cases() -> Iterator[Case]:
    """Yield small files of many pixels or bytes."""
    large = "megapixels"
    yield written("20000x10000.png", lambda: flat_png(20_000, 10_000), says=large, sample=True)
    yield written("32000x32000.png", lambda: flat_png(32_000, 4000).replace(
        *_sizes(32_000, 4000, 32_000)), says=large)  # fmt: skip
    yield written("16000x16000.jpg", lambda: grey_jpeg(16_000, 16_000), says=large)
    yield written("7x6-megapixels.jpg", lambda: grey_jpeg(7000, 6000), says=large)
    yield written("40-megapixels.png", lambda: flat_png(8000, 5000), (0,), "", most_mib=450)
    yield written("a million.png", lambda: flat_png(1000, 1000), (0,), "")
    yield written(
        "100 megapixels allowed.jpg", lambda: grey_jpeg(7000, 6000), (0,), "", most_mib=500,
        options=("--max-megapixels", "100"),
    )  # fmt: skip
    for name, keyword in ((b"zTXt", b"Comment"), (b"iCCP", b"icc"), (b"zTXt", b"Raw profile")):
        called = f"{keyword.decode()} of 256 MB.png"
        yield written(called, partial(bomb, name, keyword), EITHER, "")
    yield written("rows of 256 MB.png", lambda: png(8, 8, bytes(1 << 28)), (0,), "")
    yield written("100000 frames.gif", lambda: gif(1, 1, 100_000), (0,), "")
    yield written("1x1.png", lambda: flat_png(1, 1), (0,), "", sample=True)
    yield written("1x30000.png", lambda: flat_png(1, 30_000), (0,), "")
    yield written("30000x1.png", lambda: flat_png(30_000, 1), (0,), "")
    yield written("1x30000.jpg", lambda: grey_jpeg(8, 30_000), (0,), "")
    yield written("40000000x1.png", lambda: flat_png(40_000_000, 1), says="a side")


def _sizes(width: int, height: int, claimed: int) -> tuple[bytes, bytes]:
    """The header of a flat PNG, and the one of another height."""
    heads = (struct.pack(">IIBBBBB", width, h, 8, 2, 0, 0, 0) for h in (height, claimed))
    old, new = (chunk(b"IHDR", head) for head in heads)
    return old, new


def metadata_cases() -> Iterator[Case]:
    """Yield wrong metadata; the picture is right."""
    for orientation in (0, 9, 65535):
        yield written(f"orientation {orientation}.jpg", partial(turned, orientation), (0,), "")
    loop = tiff((0x0112, 3, 1, 6), (0x8769, 4, 1, 8), following=8)
    for name, content in {
        "loop": loop,
        "endless directory": b"II*\0\x08\0\0\0\xff\xff" + bytes(40),
        "orientation of text": tiff((0x0112, 2, 4, 0x41414141)),
        "orientation of a billion": tiff((0x0112, 3, 1 << 30, 8)),
        "noise": bytes(range(256)),
    }.items():
        yield written(f"exif {name}.jpg", partial(exif, content), (0,), "")
    jump = {"following": 8}
    yield written("loop of directories.tif", lambda: grey_tiff(16, 16, **jump), EITHER, "")
    for name, entries in {
        "no strips": {273: 0, 279: 0},
        "strips far away": {273: 0xFFFFFFF0},
        "tiles of nothing": {322: 0, 323: 0, 324: 0, 325: 0},
        "rows a strip 0": {278: 0},
        "a million samples": {277: 1_000_000},
        "compression 9999": {259: 9999},
        "bits 65535": {258: 65535},
    }.items():
        make = partial(grey_tiff, 16, 16, entries=entries)
        yield written(f"{name}.tif", make, EITHER, "")
    yield written("a directory of 65535.tif", lambda: grey_tiff(9, 9, count=65535), EITHER, "")
    floats = np.full((16, 16), np.nan, np.float32)
    for name, value in {"nan": np.nan, "inf": np.inf, "1e38": 3e38}.items():
        floats[3] = value
        yield written(f"{name}.tif", partial(saved, Image.fromarray(floats), "TIFF"), (0,), "")
    yield written("no palette.png", lambda: png(9, 9, bytes(90), colours=3), EITHER, "")
    empty = chunk(b"PLTE", b"")
    yield written(
        "empty palette.png", lambda: png(9, 9, bytes(90), colours=3, before=empty), EITHER, ""
    )
    yield written(
        "palette of one.gif", lambda: gif(9, 9).replace(b"\x80\0\0", b"\0\0\0"), EITHER, ""
    )
    yield written("wrong checksum.png", _damaged_png, EITHER, SAID)


def _damaged_png() -> bytes:
    content = bytearray(picture("png"))
    content[len(content) // 2] ^= 0xFF
    return bytes(content)


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try all pictures; ``seed`` is for fuzzers."""
    del seed
    cases = [
        *cut_cases(),
        *claim_cases(),
        *bomb_cases(),
        *metadata_cases(),
        *file_cases(),
        *folder_cases(),
        *output_cases(),
        *scan_cases(),
    ]
    yield from results("pictures", cases, sample)
