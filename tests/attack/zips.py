"""ZIP archives that nobody should unpack: paths that lead elsewhere, bombs, links, damage."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.train.archives import dataset, noise, write_zip

Make = Callable[[Path], Path]
"""Makes an archive in a folder and returns its path."""
ANGRY = "images/train/angry/"
_ZEROS = bytes(60 << 20)


def _zip(
    *names: str, content: bytes | None = None, each: int = 2, mode: int = stat.S_IFREG | 0o644
) -> Make:
    """A data set with further members."""

    def make(folder: Path) -> Path:
        extra = []
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(name.replace("FOLDER", str(folder)))
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            extra.append((info, noise(number) if content is None else content))
        return write_zip(folder / "a.zip", dataset(each=each), extra)

    return make


def _changed(change: Callable[[bytearray], bytes | bytearray], compression: int = 8) -> Make:
    """A data set as a ZIP whose bytes are changed."""

    def make(folder: Path) -> Path:
        path = write_zip(folder / "a.zip", dataset(), compression=compression)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return path

    return make


def _packed(at: int, form: str, *values: int) -> Callable[[bytearray], bytearray]:
    """Change the first entry of the central directory."""

    def change(content: bytearray) -> bytearray:
        struct.pack_into(form, content, content.index(b"PK\x01\x02") + at, *values)
        return content

    return change


def _encrypted(content: bytearray) -> bytearray:
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    return content


def _zeroed(content: bytearray) -> bytearray:
    content[500:510] = bytes(10)
    return content


def _overlapping(folder: Path) -> Path:
    """Every entry of the central directory is of the same 60 MB."""
    path = write_zip(folder / "a.zip", {ANGRY + "000.png": _ZEROS})
    content = path.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry = content[start:end]
    places = [
        f"images/{s}/{c}/{i:03}.png"
        for s in ("train", "validation")
        for c in "ab"
        for i in range(250)
    ]
    entries = b"".join(
        entry[:28] + struct.pack("<H", len(name)) + entry[30:46] + name.encode() for name in places
    )
    closing = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), start, 0)
    path.write_bytes(content[:start] + entries + closing)
    return path


def _bombs(folder: Path) -> Path:
    """Each of 200 images is 60 MB of zeros, 12 GB in all."""
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0", _ZEROS)
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    data, entry = content[31:start], content[start : content.index(b"PK\x05\x06")]
    local, central = bytearray(), bytearray()
    for number in range(200):
        name = f"images/train/{'ab'[number % 2]}/{number:03}.png".encode()
        central += entry[:28] + struct.pack("<H", len(name)) + entry[30:42]
        central += struct.pack("<L", len(local)) + name
        local += content[:26] + struct.pack("<H", len(name)) + content[28:30] + name + data
    closing = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(central), len(local), 0)
    path.write_bytes(local + central + closing)
    return path


def _nested(folder: Path) -> Path:
    inner = write_zip(folder / "inner.zip", dataset())
    return write_zip(folder / "a.zip", {"inner.zip": inner.read_bytes()})


def _many(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number in range(60_000):
            archive.writestr(f"{number}.txt", b"")
    return folder / "a.zip"


def plain(content: bytes, name: str = "a.zip") -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


LEFT_OUT: Mapping[str, Make] = {
    "a parent's path": _zip(ANGRY + "../../../../evil.png"),
    "a parent's path, from the root": _zip("../evil/images/train/angry/evil.png", "../../evil.png"),
    "a parent's path with backslashes": _zip(ANGRY + "..\\..\\evil.png"),
    "an absolute path": _zip("FOLDER/evil/images/train/angry/evil.png", "/evil.png"),
    "a drive": _zip("C:/images/train/angry/evil.png", "C:evil.png"),
    "a stream": _zip(ANGRY + "a:evil.png"),
    "a hidden file": _zip(ANGRY + ".evil.png"),
    "an escape sequence": _zip(ANGRY + "\x1b[2Jevil.png", "images/train/\x1b[2J/evil.png"),
    "a line end": _zip(ANGRY + "a\nevil.png", "a\nb: all is well"),
    "marks that turn text": _zip(ANGRY + "gnp.\u202eevil.png"),
    "the same name twice": _zip(ANGRY + "0.png", ANGRY + "0.png"),
    "a link to a file": _zip(ANGRY + "l.png", content=b"/etc/passwd", each=20, mode=0o120777),
    "a link to a folder, then a file in it": _zip(
        "images/train/angry", ANGRY + "../evil.png", content=b"..", mode=0o120777
    ),
    "a device": _zip(ANGRY + "zero.png", content=b"", each=20, mode=stat.S_IFCHR | 0o666),
    "60 MB of zeros that are no image": _zip("evil.bin", content=_ZEROS),
    "a class of 5,000 letters": _zip(f"images/train/{'n' * 5000}/a.png"),
    "a class called [/b]": _zip("images/train/[/b]/1.png"),
    "a tag of rich in a name": _zip(ANGRY + "[red]evil[", "images/train/[b]/1.txt"),
}
"""These are left out, or are no image and few enough; the rest of the archive is taken."""

REFUSED: Mapping[str, Make] = {
    "a name of 5,000 letters": _zip(ANGRY + "n" * 5000 + ".png"),
    "60 MB of zeros as an image": _zip(ANGRY + "a.png", content=_ZEROS),
    "12 GB of zeros as images": _bombs,
    "entries that overlap": _overlapping,
    "an archive in an archive": _nested,
    "60,000 members": _many,
    "encrypted": _changed(_encrypted),
    "cut by 30 bytes": _changed(lambda content: content[:-30]),
    "cut in half": _changed(lambda content: content[: len(content) // 2]),
    "a wrong checksum": _changed(_zeroed, zipfile.ZIP_STORED),
    "a method of compression that is none": _changed(_packed(10, "<H", 99)),
    "a size that lies, smaller": _changed(_packed(24, "<L", 100)),
    "a size that lies, 4 GB": _changed(_packed(20, "<LL", 0xFFFFFFFE, 0xFFFFFFFE)),
    "a place behind the end": _changed(_packed(42, "<L", 0x7FFFFFFF)),
    "a name longer than the file": _changed(_packed(28, "<H", 0xFFFF)),
    "only the end of one": plain(b"PK\x05\x06" + bytes(18)),
    "beginnings alone": plain(b"PK\x03\x04" * 999),
    "empty": plain(b""),
    "a text": plain(b"text" * 99),
    "a picture": plain(noise(0)),
    "100 MB of nothing": plain(bytes(100 << 20)),
}
