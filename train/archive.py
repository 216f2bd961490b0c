"""Reads the public archives of FER2013 and other data sets, without trusting them.

A member is taken only where ``find_layout`` has a place for it, and is written under a name that is
made of its parts: links, paths that lead elsewhere and second copies are left out without a rule of
their own.
"""

from __future__ import annotations

import contextlib
import csv
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract import ZIP_DAMAGE
from edge.errors import first_line
from edge.files import read_regular
from train.data import MAX_BYTES as MAX_IMAGE_BYTES
from train.data import list_files
from train.errors import ArchiveError, DownloadError
from train.layout import is_image
from train.native import memory_limit

MAX_BYTES = 8 << 30
"""Of all images; those of FER2013 have 51 to 125 MB."""
_MAX_CSV = 1 << 30
"""Of a file; that of FER2013 has 301 MB."""
_MAX_LINE = 1 << 18
_MAX_MEMORY = 1 << 29
"""For the list of what is in an archive, or for the images of a table."""
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_EMOTION, _PIXELS, _USAGE = "emotion", "pixels", "usage"
_DAMAGE = (*ZIP_DAMAGE, tarfile.TarError, RuntimeError, MemoryError)
"""``RuntimeError``: it is encrypted."""


@dataclass(frozen=True, slots=True)
class Source:
    """A tree of files: their paths with forward slashes, and how one of them is read.

    ``read`` raises ``ArchiveError``.
    """

    description: str
    names: Sequence[str]
    read: Callable[[str], bytes]


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a ZIP or TAR archive, FER2013's CSV file, alone or in one of these, or a folder.

    Raises ``ArchiveError``.
    """
    if path.is_dir():
        yield _folder(path)
        return
    if not path.is_file():
        found = "something else" if path.exists() else "no such file"
        raise ArchiveError(f"{path}: expected an archive or a folder, found {found}; check it")
    with contextlib.ExitStack() as stack:
        try:
            with memory_limit(_MAX_MEMORY):
                source = _open(path, stack)
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        yield source


def _open(path: Path, stack: contextlib.ExitStack) -> Source:
    if path.suffix.lower() == ".csv":
        return _table(str(path), stack.enter_context(path.open("rb")))
    if path.name.lower().endswith(_TAR):
        return _tables_first(_tar(path, stack.enter_context(tarfile.open(path))))
    return _tables_first(_zip(path, stack.enter_context(zipfile.ZipFile(path))))


@dataclass(frozen=True, slots=True)
class _Archive:
    """Names of the members, how many bytes each declares, and how it is opened."""

    path: Path
    sizes: dict[str, int]
    open: Callable[[str], IO[bytes]]


def _zip(path: Path, archive: zipfile.ZipFile) -> _Archive:
    sizes = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    return _Archive(path, sizes, archive.open)


def _tar(path: Path, archive: tarfile.TarFile) -> _Archive:
    members: dict[str, tarfile.TarInfo] = {}
    for info in archive:
        if info.size > MAX_BYTES:  # which would be unpacked to find the next one
            raise tarfile.ReadError(f"a member of {info.size >> 30} GB")
        if info.isfile():
            members[info.name] = info

    def open_member(name: str) -> IO[bytes]:
        member = archive.extractfile(members[name])  # by its name it may be a link
        assert member is not None, "a file"
        return member

    return _Archive(path, {name: info.size for name, info in members.items()}, open_member)


def _tables_first(archive: _Archive) -> Source:
    """What ``archive`` holds: images, or a table of them where it has none."""
    tables = [name for name in archive.sizes if name.lower().endswith(".csv")]
    if tables and not any(map(is_image, archive.sizes)):
        # Of the competition's files the largest has all splits.
        name = max(tables, key=archive.sizes.__getitem__)
        with archive.open(name) as file:
            return _table(f"{archive.path}: {name}", file)

    images = sum(size for name, size in archive.sizes.items() if is_image(name))
    if images > MAX_BYTES:
        raise ArchiveError(
            f"{archive.path}: expected images of at most {MAX_BYTES >> 20:,} MB in all, found "
            f"{images >> 20:,}; make them smaller"
        )

    def read(name: str) -> bytes:
        size = archive.sizes[name]
        if size > MAX_IMAGE_BYTES:
            raise _too_large(f"{archive.path}: {name}")
        try:
            with memory_limit(_MAX_MEMORY), archive.open(name) as file:
                return file.read(size + 1)  # unlike read(), it unpacks no more than that
        except _DAMAGE as error:
            raise _damaged(archive.path, error) from error

    return Source(str(archive.path), list(archive.sizes), read)


def _folder(root: Path) -> Source:
    def read(name: str) -> bytes:
        try:
            return read_regular(root / name, MAX_IMAGE_BYTES)
        except OSError as error:
            raise ArchiveError(
                f"{root / name}: expected an image, found: {error.strerror}; take it away"
            ) from error

    return Source(str(root), sorted(list_files(root)), read)


def _table(what: str, file: IO[bytes]) -> Source:
    """The images of ``fer2013.csv`` or ``icml_face_data.csv``, a line of numbers each."""
    lines = io.TextIOWrapper(
        io.BufferedReader(_Bounded(file, what)), encoding="utf-8-sig", errors="replace"
    )
    rows = csv.reader(_bounded(lines, what))
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        if missing := {_EMOTION, _PIXELS, _USAGE} - set(header):
            raise ArchiveError(
                f"{what}: expected the columns emotion, pixels and Usage, found no "
                f"{', no '.join(sorted(missing))}; use fer2013.csv or icml_face_data.csv"
            )
        columns = [header.index(name) for name in (_EMOTION, _PIXELS, _USAGE)]
        images = dict(_images(what, rows, columns))
    except csv.Error as error:
        raise ArchiveError(f"{what}: expected a CSV file, found: {error}; copy it again") from error
    return Source(what, list(images), lambda name: _png(images[name]))


def _images(
    what: str, rows: Iterable[Sequence[str]], columns: Sequence[int]
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        try:
            label, image, usage = _cells(row, columns)
        except (IndexError, ValueError, OverflowError) as error:
            raise ArchiveError(
                f"{what}: expected a label and the numbers 0…255 of a square image in line "
                f"{number}, found others ({first_line(error)}); copy it again"
            ) from error
        yield f"{usage}/{label}/{number:06}.png", image


def _cells(row: Sequence[str], columns: Sequence[int]) -> tuple[str, NDArray[np.uint8], str]:
    """Label, image and usage; raises ``IndexError``, ``ValueError``, ``OverflowError``."""
    label, pixels, usage = (row[column].strip() for column in columns)
    if not (label and pixels and usage):
        raise ValueError("an empty cell")
    values = np.array(pixels.split(), np.uint8)
    side = round(len(values) ** 0.5)
    return label, values.reshape(side, side), usage


def _png(image: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def _bounded(lines: IO[str], what: str) -> Iterator[str]:
    """Yield ``lines``; raises ``ArchiveError`` at one that never ends."""
    while line := lines.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise ArchiveError(
                f"{what}: expected lines of at most {_MAX_LINE >> 10} kB, found a longer one; use "
                "fer2013.csv"
            )
        yield line


class _Bounded(io.RawIOBase):
    """Reads ``file`` up to a limit; raises ``ArchiveError`` behind it."""

    def __init__(self, file: IO[bytes], what: str) -> None:
        self._file, self._what, self._left = file, what, _MAX_CSV

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._file.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise ArchiveError(
                f"{self._what}: expected at most {_MAX_CSV >> 30} GB, found more; use fer2013.csv"
            )
        buffer[: len(content)] = content
        return len(content)


def download(handle: str, fetch: Callable[[str], str] | None = None) -> Path:
    """Fetch the Kaggle data set ``owner/name`` and return the folder where kagglehub keeps it.

    Public data sets need no account. Raises ``DownloadError``.
    """
    import kagglehub  # noqa: PLC0415 - slow, and of no use to the other commands
    from kagglehub import exceptions as kaggle  # noqa: PLC0415

    try:
        return Path((fetch or kagglehub.dataset_download)(handle))
    except (
        OSError,  # the network, the disk, and all that requests raises
        ValueError,  # not a handle
        zipfile.BadZipFile,
        kaggle.BackendError,
        kaggle.CredentialError,
        kaggle.DataCorruptionError,
        kaggle.KaggleEnvironmentError,
        kaggle.NotFoundError,
        kaggle.UnauthenticatedError,
    ) as error:
        raise DownloadError(
            f"Kaggle data set {handle!r}: expected to download it, found: {first_line(error)}; "
            "check the network and the handle, or download its ZIP in a browser and run "
            "'make data ARCHIVE=path.zip'"
        ) from error


def _damaged(path: Path, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"{path}: expected a whole archive, found: {first_line(error)}; nothing was changed, "
        "download it again"
    )


def _too_large(what: str) -> ArchiveError:
    return ArchiveError(
        f"{what}: expected an image of at most {MAX_IMAGE_BYTES >> 20} MB, found a larger file; "
        "make it smaller, or take it away"
    )
