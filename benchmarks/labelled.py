"""Labelled photographs of a user: a ZIP archive or a folder that holds pictures and one CSV file.

An archive is read member by member; nothing of it is unpacked to the disk.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import math
import posixpath
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2

from benchmarks.errors import PhotographsError
from edge.contract import ZIP_DAMAGE
from edge.errors import first_line
from edge.types import Box, Image
from train.data import decoded

COLUMNS, SIDES = ("file", "label"), ("left", "top", "right", "bottom")
MOST_BYTES = 64 << 20
"""Of a picture or of the CSV file, unpacked."""
Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A row of the CSV file: the picture's path beside it, and the face's box where it has one."""

    file: str
    label: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """The rows of a set.

    ``name`` is that of the archive or folder, ``sha256`` of the archive, or of a folder's CSV file.
    ``read`` returns a file's bytes and raises ``PhotographsError``.
    """

    name: str
    sha256: str
    photographs: Sequence[Photograph]
    read: Read

    def image(self, photograph: Photograph) -> Image:
        """Return the picture as ``uint8[H, W, 3]`` BGR, upright; raises ``PhotographsError``."""
        image = decoded(self.read(photograph.file), cv2.IMREAD_COLOR)
        if isinstance(image, str):
            raise PhotographsError(
                f"{self.name}: {photograph.file}: expected a picture (JPEG, PNG, WebP), found "
                f"{image}; convert it, or take its row out"
            )
        return image


@contextlib.contextmanager
def open_labelled(path: Path) -> Iterator[Labelled]:
    """Open the set at ``path`` and read its rows; raises ``PhotographsError``."""
    name = path.resolve().name
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.is_file())
        yield _labelled(name, names, lambda file: _read_file(path, file), sha256="")
        return
    if not path.is_file():
        raise PhotographsError(
            f"{path}: expected a ZIP archive or a folder, found none; check the path"
        )
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except ZIP_DAMAGE as error:
            raise _damaged(name, error) from error
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        yield _labelled(
            name, archive.namelist(), lambda member: _read_member(name, archive, member), sha256
        )


def _labelled(name: str, names: Sequence[str], read: Read, sha256: str) -> Labelled:
    # Of a Mac come hidden companions of every file.
    tables = [
        each
        for each in names
        if each.lower().endswith(".csv") and not posixpath.basename(each).startswith(".")
    ]
    if len(tables) != 1:
        raise PhotographsError(
            f"{name}: expected one CSV file, found {', '.join(tables) or 'none'}; "
            "put one there, with the columns file and label"
        )
    content = read(tables[0])
    return Labelled(
        name=name,
        sha256=sha256 or hashlib.sha256(content).hexdigest(),
        photographs=_rows(f"{name}: {tables[0]}", content),
        read=lambda file: read(posixpath.join(posixpath.dirname(tables[0]), file)),
    )


def _rows(name: str, content: bytes) -> Sequence[Photograph]:
    try:
        table = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = table.fieldnames or ()
        sides = SIDES if set(SIDES) & set(columns) else ()
        missing = [each for each in (*COLUMNS, *sides) if each not in columns]
        if missing:
            raise PhotographsError(
                f"{name}: expected the columns {', '.join((*COLUMNS, *sides))}, found no "
                f"{', '.join(missing)}; add them to its header"
            )
        rows = [_photograph(f"{name}: line {table.line_num}", row, bool(sides)) for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise PhotographsError(
            f"{name}: expected a CSV file in UTF-8, found: {first_line(error)}; save it as such"
        ) from error
    if not rows:
        raise PhotographsError(f"{name}: expected a row for each face, found none; add them")
    return rows


def _photograph(line: str, row: Mapping[str, str | None], boxed: bool) -> Photograph:
    file, label = ((row[column] or "").strip() for column in COLUMNS)
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts:
        raise PhotographsError(
            f"{line}: expected the path of a picture beside the CSV file, found {file!r}; mend it"
        )
    return Photograph(file, label, _box(line, [row[side] for side in SIDES]) if boxed else None)


def _box(line: str, sides: Sequence[str | None]) -> Box:
    try:
        left, top, right, bottom = (float(side or "") for side in sides)
    except ValueError:
        left = top = right = bottom = math.nan
    finite = all(map(math.isfinite, (left, top, right, bottom)))
    if not (finite and left < right and top < bottom):
        raise PhotographsError(
            f"{line}: expected left < right and top < bottom in pixels, found "
            f"{', '.join(str(side or '') for side in sides)}; mend it"
        )
    return Box(left, top, right, bottom)


def _read_file(folder: Path, file: str) -> bytes:
    path = folder / file
    if not path.is_file():
        raise _missing(folder.resolve().name, file)
    if path.stat().st_size > MOST_BYTES:
        raise _too_large(folder.resolve().name, file)
    return path.read_bytes()


def _read_member(name: str, archive: zipfile.ZipFile, member: str) -> bytes:
    try:
        size = archive.getinfo(member).file_size
        if size > MOST_BYTES:
            raise _too_large(name, member)
        with archive.open(member) as file:
            return file.read(size + 1)  # unlike read(), it unpacks no more than that
    except KeyError:
        raise _missing(name, member) from None
    except (*ZIP_DAMAGE, RuntimeError) as error:  # RuntimeError: it is encrypted
        raise _damaged(name, error) from error


def _missing(name: str, file: str) -> PhotographsError:
    return PhotographsError(
        f"{name}: expected the file {file}, found none; add it, or take its row out"
    )


def _too_large(name: str, file: str) -> PhotographsError:
    return PhotographsError(
        f"{name}: {file}: expected at most {MOST_BYTES >> 20} MB, found a larger file; "
        "scale it down"
    )


def _damaged(name: str, error: Exception) -> PhotographsError:
    return PhotographsError(
        f"{name}: expected a whole ZIP archive without a password, found: {first_line(error)}; "
        "pack it again"
    )
