"""TAR archives and tables that nobody should take for a data set."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.attack.zips import ANGRY, Make, plain
from tests.train.archives import dataset

_EXTRA = 1 << 20


def _tar(*members: tarfile.TarInfo, name: str = "a.tar", behind: bytes = b"") -> Make:
    """A data set with further members, each followed by ``behind``."""

    def make(folder: Path) -> Path:
        with tarfile.open(folder / name, "w:gz" if name.endswith("gz") else "w") as archive:
            for path, content in dataset(each=20).items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            for info in members:
                archive.addfile(info, io.BytesIO(behind) if behind else None)
        return folder / name

    return make


def _member(name: str, kind: bytes, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def _unpacked(head: tarfile.TarInfo, mebibytes: int, name: str = "a.tar.gz") -> Make:
    """A header and so many zeros behind it, compressed."""

    def make(folder: Path) -> Path:
        opener = lzma.open if name.endswith("xz") else gzip.open
        options = {"preset": 0} if name.endswith("xz") else {"compresslevel": 1}
        with opener(folder / name, "wb", **options) as file:  # type: ignore[operator]
            file.write(head.tobuf(tarfile.GNU_FORMAT))
            for _ in range(mebibytes):
                file.write(bytes(_EXTRA))
        return folder / name

    return make


def _cut(make: Make, share: float) -> Make:
    def cut(folder: Path) -> Path:
        path = make(folder)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        return path

    return cut


def _links(kind: bytes) -> Sequence[tarfile.TarInfo]:
    return [
        _member(ANGRY + "l.png", kind, "/etc/passwd"),
        _member("images/train/out", kind, "../../.."),
        _member("images/train/out/evil.png", tarfile.REGTYPE),
    ]


LEFT_OUT: Mapping[str, Make] = {
    "symbolic links": _tar(*_links(tarfile.SYMTYPE)),
    "hard links": _tar(*_links(tarfile.LNKTYPE)),
    "devices and a pipe": _tar(
        *(
            _member(f"{ANGRY}{kind.decode()}.png", kind)
            for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
        )
    ),
    "a parent's path": _tar(_member(ANGRY + "../../../../evil.png", tarfile.REGTYPE)),
    "an absolute path": _tar(_member("/evil/images/train/angry/evil.png", tarfile.REGTYPE)),
    "a file, then a pipe of its name": _tar(_member(ANGRY + "0.png", tarfile.FIFOTYPE)),
    "a file, then a link of its name": _tar(
        _member(ANGRY + "0.png", tarfile.SYMTYPE, "/etc/passwd")
    ),
    "an escape sequence": _tar(_member(ANGRY + "\x1b[2J\nevil.png", tarfile.REGTYPE)),
}

_HUGE = 600 << 20


def _sparse() -> tarfile.TarInfo:
    info = _member(ANGRY + "a.png", tarfile.GNUTYPE_SPARSE, size=512)
    info.pax_headers = {}
    return info


REFUSED: Mapping[str, Make] = {
    "600 MB of zeros": _unpacked(_member("", tarfile.REGTYPE), 600),
    "600 MB of zeros, xz": _unpacked(_member("", tarfile.REGTYPE), 600, "a.tar.xz"),
    "a name of 600 MB": _unpacked(_member("n", tarfile.GNUTYPE_LONGNAME, size=_HUGE), 601),
    "a header of 600 MB": _unpacked(_member("n", tarfile.XHDTYPE, size=_HUGE), 601),
    "a header for all of 600 MB": _unpacked(_member("n", tarfile.XGLTYPE, size=_HUGE), 601),
    "a member of 100 GB": _unpacked(_member(ANGRY + "a.png", tarfile.REGTYPE, size=100 << 30), 1),
    "a sparse member": _unpacked(_sparse(), 1),
    "cut in half, gz": _cut(_tar(name="a.tar.gz"), 0.5),
    "cut in half": _cut(_tar(), 0.5),
    "a text": plain(b"text" * 999, "a.tar"),
    "empty": plain(b"", "a.tar.gz"),
    "another compression": plain(gzip.compress(b"text" * 99), "a.tar.bz2"),
}


def table(
    rows: Iterable[str] = (), header: str = "emotion,pixels,Usage", last: str = "Training"
) -> bytes:
    """``fer2013.csv`` with two images of each class, and further rows."""
    pixels = [" ".join(str((7 * n + k) % 256) for k in range(2304)) for n in range(42)]
    made = [
        f"{n % 7},{pixels[n]},{usage}"
        for n, usage in enumerate(14 * ["Training"] + 14 * ["PublicTest"] + 14 * ["PrivateTest"])
    ]
    return "\n".join([header, *made, *rows, ""]).replace("Training", last).encode()


def _csv(content: bytes) -> Make:
    return plain(content, "fer2013.csv")


def _row(pixels: str, label: str = "3", usage: str = "Training") -> Make:
    return _csv(table([f"{label},{pixels},{usage}"]))


TABLES: Mapping[str, Make] = {
    "empty": _csv(b""),
    "only a header": _csv(b"emotion,pixels,Usage\n"),
    "columns missing": _csv(table(header="emotion,pixels")),
    "other columns": _csv(table(header="a,b,\x1b[2J")),
    **{
        f"pixels: {name}": _row(text)
        for name, text in {
            "none": "",
            "three": "1 2 3",
            "of a rectangle": " ".join(2305 * ["1"]),
            "letters": "1 2 3 x",
            "256": "1 2 3 256",
            "negative": "1 2 3 -1",
            "nan": "nan nan nan nan",
            "400 digits": f"1 2 3 {'9' * 400}",
            "a picture of 500×500": " ".join(250_000 * ["1"]),
        }.items()
    },
    "a huge number as a label": _row("1 2 3 4", "9" * 30),
    "5,000 digits as a label": _row("1 2 3 4", "9" * 5000),
    "no label": _row("1 2 3 4", ""),
    "a line of 10 MB": _csv(table() + b"3,1" + b" 1" * (5 << 20)),
    "a line of 10 MB of cells": _csv(table() + b"3," + b"1," * (5 << 20)),
    "a quote that never ends": _csv(table() + b'3,"' + b"1 " * (5 << 20)),
    "NUL": _csv(table() + bytes(100)),
    "UTF-16": _csv(table().decode().encode("utf-16")),
    "binary": _csv(bytes(range(256)) * 999),
    "one class": _csv(b"emotion,pixels,Usage\n" + b"3,1 2 3 4,Training\n" * 9),
    "one usage": _csv(table(last="PublicTest")),
}
