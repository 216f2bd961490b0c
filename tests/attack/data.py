"""Data sets that are none: archives, tables, folders, and places that can't hold one."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.attack import tars, zips
from tests.attack.case import Case, Result, results
from tests.attack.child import ROOT, Ending
from tests.attack.data_killed import kills
from tests.train.archives import dataset, noise, write_files

PART = "data"
_IMAGES = "deep/deeper/images"
_TENSORFLOW_MIB = 1500
_SAMPLE = frozenset({"ZIP: a parent's path", "TAR: symbolic links", "folder: a pipe"})


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try them all."""
    yield from results(PART, (*_archives(), *_folders(), *_places(), *_readers()), sample)
    yield kills(PART, 4 if sample else 50, seed)


def _archives() -> Iterator[Case]:
    for kind, taken in (("ZIP", zips.LEFT_OUT), ("TAR", tars.LEFT_OUT)):
        for name, make in taken.items():
            yield _data(f"{kind}: {name}", make, codes=(0,))
    refused = {"ZIP": zips.REFUSED, "TAR": tars.REFUSED, "CSV": tars.TABLES}
    for kind, table in refused.items():
        for name, make in table.items():
            yield _data(f"{kind}: {name}", make)


def _data(name: str, make: Callable[[Path], Path], codes: Sequence[int] = (1,)) -> Case:
    def prepare(folder: Path) -> Sequence[str | Path]:
        archive = make(folder)
        return ["train", "data", "--archive", archive.name, "--images", _IMAGES]

    return Case(
        name,
        prepare,
        codes,
        "" if 0 in codes else "expected",
        most_mib=800,
        seconds=20,
        check=_nothing_left if 0 not in codes else _nothing_outside,
        sample=name in _SAMPLE,
    )


def _nothing_outside(folder: Path, ending: Ending) -> str:
    found = [path for path in (folder, Path("/evil")) for path in path.rglob("*evil*.png")]
    return f"it wrote {found!a}" if found else ""


def _nothing_left(folder: Path, ending: Ending) -> str:
    """Nothing but the empty folder, and one line."""
    left = list((folder / _IMAGES).rglob("*"))
    if left:
        return f"it left {left[:3]!a}"
    return _nothing_outside(folder, ending) or one_line(folder, ending)


def one_line(folder: Path, ending: Ending) -> str:
    """Say where it did not complain in one line."""
    lines = ending.err.splitlines()
    return "" if len(lines) == 1 else f"{len(lines)} lines of complaint: {lines[:3]!a}"


def picture(width: int, height: int) -> bytes:
    """A PNG of black, one bit a pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", check)

    packer, row = zlib.compressobj(9), bytes(1 + -(-width // 8))
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def jpeg_head(width: int, height: int) -> bytes:
    """The beginning of a JPEG: it promises so many pixels and has none of them."""
    quantisation = b"\xff\xdb\x00\x43\x00" + bytes([1] * 64)
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    codes = b"\xff\xc4\x00\x14\x00" + bytes([1, *15 * [0], 0])
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"
    return b"\xff\xd8" + quantisation + frame + codes + scan + bytes(64) + b"\xff\xd9"


def _file(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda angry: write_files(angry, {name: content}) and None


def _socket(angry: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(angry / "a.png"))


_IN_FOLDERS: Mapping[str, Callable[[Path], None]] = {
    "a pipe": lambda angry: os.mkfifo(angry / "a.png"),
    "a link to /dev/zero": lambda angry: (angry / "a.png").symlink_to("/dev/zero"),
    "a link to /dev/random": lambda angry: (angry / "a.png").symlink_to("/dev/random"),
    "a link to /dev/tty": lambda angry: (angry / "a.png").symlink_to("/dev/tty"),
    "a link to itself": lambda angry: (angry / "a.png").symlink_to("a.png"),
    "a link to nothing": lambda angry: (angry / "a.png").symlink_to("nothing"),
    "a socket": _socket,
    "65 MB": _file("a.png", bytes(65 << 20)),
    "a text": _file("a.png", b"text"),
    "empty": _file("a.png", b""),
    "half a picture's head": _file("a.png", noise(0)[:20]),
    "20,000×10,000 pixels": _file("a.png", picture(20_000, 10_000)),
    "32,000×32,000 pixels": _file("a.png", picture(32_000, 32_000)),
    "30,000×30,000 pixels in 200 bytes": _file("a.jpg", jpeg_head(30_000, 30_000)),
    "2³¹-1 pixels wide": _file(
        "a.png", picture(8, 8).replace(struct.pack(">L", 8), b"\x7f\xff\xff\xff")
    ),
    "a name with an escape sequence": _file("\x1b[2J.png", b"text"),
    "a name that is no text": _file("\udcff.png", b"text"),
}


def _folders() -> Iterator[Case]:
    """A folder where an archive is expected, and a pipe or a picture in it that is none."""
    for name, put in _IN_FOLDERS.items():
        hidden = name.startswith("a name")
        yield _data(
            f"folder: {name}", lambda folder, p=put: _mine(folder, p), (0,) if hidden else (1,)
        )
    only = {f"mine/{c}/{i}.png": noise(9 * i) for c in "a" for i in range(4)}
    for name, files in {
        "one class": only,
        "a class without pictures": {**only, "mine/b/notes.txt": b""},
        "101 classes": {f"mine/{c}/{i}.png": noise(c) for c in range(101) for i in range(2)},
        "no pictures": {"mine/a/notes.txt": b"", "mine/b/notes.txt": b""},
        "the same picture only": {f"mine/{c}/{i}.png": noise(1) for c in "ab" for i in range(9)},
    }.items():
        yield _data(f"folder: {name}", lambda folder, f=files: write_files(folder, f) / "mine")


def _mine(folder: Path, put: Callable[[Path], None]) -> Path:
    write_files(folder / "mine", dataset())
    put(folder / "mine/images/train/angry")
    return folder / "mine"


def _places() -> Iterator[Case]:
    """Where a data set can't come from, or go to."""
    for archive in (
        "none.zip",
        "\x1b[2J\n.zip",
        "\udcff.zip",
        "n" * 300,
        "",
        "/dev/zero",
        "/dev/tty",
    ):
        yield Case(
            f"archive {archive[:20]!a}",
            lambda folder, a=archive: ["train", "data", "--images=images", f"--archive={a}"],
            (1,) if archive else (1, 2),
            "expected",
            check=one_line,
        )
    for name in ("pipe.zip", "pipe.csv", "pipe.tar"):
        yield Case(
            f"archive: a {name}", lambda folder, n=name: _pipe(folder, n), (1,), check=one_line
        )
    for images in ("/proc/x", "/dev/null/x", "file", "file/x", "loop", "n" * 300, "loop/x"):
        yield Case(
            f"images go to {images[:20]}",
            lambda folder, i=images: ["train", "data", *_archive(folder), f"--images={i}"],
            (1,),
            "expected",
            check=one_line,
        )
    for images in ("\x1b[2J\nexpressions: all is well", "\udcff", "\u202egnp"):
        yield Case(
            f"images go to {images!a}",
            lambda folder, i=images: ["train", "data", *_archive(folder), f"--images={i}"],
            (0,),
        )


def _pipe(folder: Path, name: str) -> Sequence[str]:
    os.mkfifo(folder / name)
    return ["train", "data", "--images=images", f"--archive={name}"]


def _archive(folder: Path) -> Sequence[str]:
    write_files(folder / "mine", dataset())
    (folder / "file").write_text("mine")
    (folder / "loop").symlink_to("loop")
    return ["--archive=mine"]


def _readers() -> Iterator[Case]:
    """Other commands that read images, which each begin with TensorFlow."""
    commands = {"fit": ["train", "fit"], "convert": ["convert", str(ROOT / "models/Finalmodel.h5")]}
    chosen = ("a pipe", "a link to /dev/zero", "20,000×10,000 pixels")
    for (name, command), what in itertools.product(commands.items(), chosen):
        yield Case(
            f"{name}: {what}",
            lambda folder, c=command, w=what: _reading(folder, c, _IN_FOLDERS[w]),
            (1,),
            "at most 1% of them unreadable",
            most_mib=_TENSORFLOW_MIB,
            seconds=40,
            check=_one_line_of_error,
        )


def _one_line_of_error(folder: Path, ending: Ending) -> str:
    return one_line(folder, ending)


def _reading(folder: Path, command: Sequence[str], put: Callable[[Path], None]) -> Sequence[str]:
    if command[0] == "convert":
        (folder / "a.h5").write_bytes(Path(command[1]).read_bytes())
        command = ["convert", "a.h5"]
    images = _mine(folder, put) / "images"
    return [*command, f"--images={images}"]
