"""Reads the public archives of FER2013, and folders unpacked from them, without trusting them.

Everything that can be refused is refused when an archive is opened, before anything is written; the
bytes of each member are checked again as they are read. Members are matched by their exact place:
one public archive holds a second copy of all images under ``images/images/``.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, Self

from edge import zips
from train.data import LABELS, SUFFIXES
from train.errors import ArchiveError

LAYOUTS: tuple[Mapping[str, str], ...] = (
    {"images/train": "train", "images/validation": "validation"},
    {"train": "train", "validation": "validation"},
    # Here "test" is PublicTest and PrivateTest together (7,178 images). It is the only part that
    # was kept from training, so that it serves as the validation split.
    {"train": "train", "test": "validation"},
)
"""Folder in the archive → split; the first layout that an archive fills is taken."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What no archive of FER2013 exceeds."""

    members: int = 100_000
    """The largest public one has 71,774: 35,887 images, twice."""
    total_bytes: int = 1 << 30
    """All members unpacked; the public ones have 51 to 125 MB."""
    image_bytes: int = 1 << 18
    """One image; 48×48 pixels take 2.3 kB, and 20 kB in the most wasteful of formats."""
    ratio: float = 20.0
    """Unpacked to packed; images hardly shrink (1.1), pixels as text shrink to a third."""
    directory_bytes: int = 32 << 20
    """The list of members, read before they can be counted; 100,000 of them take about 10 MB."""


class Source(Protocol):
    """A tree of files, wherever it is."""

    description: str

    @property
    def names(self) -> Sequence[str]:
        """Paths of all files, with forward slashes."""
        ...

    def read(self, name: str) -> bytes:
        """Return one file's content; raises ``ArchiveError``."""
        ...


class ZipSource:
    """A ZIP archive that has passed all checks: a context manager."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        """Open and check ``path``; raises ``ArchiveError``."""
        self.description = str(path)
        self._limits = limits or Limits()
        if not path.is_file():
            found = "something else" if path.exists() else "no such file"
            raise ArchiveError(f"{path}: expected a ZIP archive, found {found}; check the path")
        try:
            file = _Cautious(path, self._limits.directory_bytes)
        except OSError as error:
            raise ArchiveError(
                f"{path}: expected a readable file, found: {error.strerror}; nothing was changed, "
                "check its permissions and the disk"
            ) from error
        try:
            self._zip = zipfile.ZipFile(file)
            self._check(path.stat().st_size)
        except zips.DAMAGE as error:
            file.close()
            raise self._refusal(f"expected a whole ZIP archive, found: {error}") from error
        except ArchiveError:
            file.close()
            raise
        self._file = file
        self._members = {m.filename: m for m in self._zip.infolist() if not m.is_dir()}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> Sequence[str]:
        """Paths of all files."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return one member, never more than it declares nor than an image has."""
        member = self._members[name]
        if member.file_size > self._limits.image_bytes:
            raise self._refusal(f"expected a small image, found {member.file_size} bytes in {name}")
        try:
            with self._zip.open(member) as file:
                content = file.read(member.file_size + 1)
        except zips.DAMAGE as error:
            raise self._refusal(f"expected a whole archive, found damage in {name}") from error
        if len(content) != member.file_size:
            raise self._refusal(
                f"expected {member.file_size} bytes in {name}, found {len(content)}"
            )
        return content

    def _check(self, packed: int) -> None:
        members = self._zip.infolist()
        if len(members) > self._limits.members:
            raise self._refusal(
                f"expected at most {self._limits.members:,} members, found {len(members):,}"
            )
        for member in members:
            if problem := _problem(member):
                raise self._refusal(f"expected plain files and folders, found {problem}")
        if twice := _repeated(member.filename for member in members):
            raise self._refusal(f"expected each name once, found {twice!r} again")
        unpacked = sum(member.file_size for member in members)
        if unpacked > min(self._limits.total_bytes, self._limits.ratio * packed):
            raise self._refusal(
                f"expected at most {self._limits.total_bytes >> 20:,} MB unpacked and "
                f"{self._limits.ratio:g} times its packed size, found {unpacked / 2**20:,.1f} MB "
                f"in {packed / 2**20:,.1f} MB"
            )

    def _refusal(self, finding: str) -> ArchiveError:
        return ArchiveError(
            f"{self.description}: {finding}; nothing was changed, download the archive again"
        )


class FolderSource:
    """A folder with one of the layouts, such as kagglehub returns."""

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        """List the files; raises ``ArchiveError`` where one is a link or there are too many."""
        self.description = str(root)
        self._root = root
        self._limits = limits or Limits()
        self.names: Sequence[str] = [
            f"{folder}/{label}/{entry.name}"
            for folder in sorted({folder for layout in LAYOUTS for folder in layout})
            for label in LABELS
            for entry in self._entries(root / folder / label)
        ]
        if len(self.names) > self._limits.members:
            raise ArchiveError(
                f"{root}: expected at most {self._limits.members:,} files, "
                f"found {len(self.names):,}; name the folder of the data set"
            )

    def read(self, name: str) -> bytes:
        """Return one file's content."""
        with (self._root / name).open("rb") as file:
            content = file.read(self._limits.image_bytes + 1)
        if len(content) > self._limits.image_bytes:
            raise ArchiveError(
                f"{self._root / name}: expected a small image, found more than "
                f"{self._limits.image_bytes} bytes; remove it or name another folder"
            )
        return content

    @staticmethod
    def _entries(folder: Path) -> list[os.DirEntry[str]]:
        if not folder.is_dir():
            return []
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            if entry.is_symlink():
                raise ArchiveError(
                    f"{entry.path}: expected a file, found a link; copy the data set as files"
                )
        return [entry for entry in entries if entry.is_file()]


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes where: path in the source → path in the data set, ``split/class/file``."""

    layout: Mapping[str, str]
    targets: Mapping[str, str]
    others: int
    """How many files have no place in the layout."""

    def __str__(self) -> str:
        """For people: "train → train, test → validation; 2 other files left out"."""
        folders = ", ".join(f"{folder} → {split}" for folder, split in self.layout.items())
        return folders + (f"; {self.others:,} other files left out" if self.others else "")


def plan(source: Source) -> Plan:
    """Find where every image of ``source`` goes.

    Raises ``ArchiveError`` where no layout has images of every class in both splits.
    """
    missing: list[str] = []
    for layout in LAYOUTS:
        chosen = {
            name: f"{layout[str(path.parents[1])]}/{path.parent.name}/{path.name}"
            for name, path in ((name, PurePosixPath(name)) for name in source.names)
            if len(path.parts) > 2
            and str(path.parents[1]) in layout
            and path.parent.name in LABELS
            and path.suffix.lower() in SUFFIXES
        }
        found = {str(PurePosixPath(target).parent) for target in chosen.values()}
        lacking = [
            f"{folder}/{label}"
            for folder, split in layout.items()
            for label in LABELS
            if f"{split}/{label}" not in found
        ]
        if not lacking:
            return Plan(layout, chosen, len(source.names) - len(chosen))
        if found and (not missing or len(lacking) < len(missing)):
            missing = lacking
    expected = ", or ".join(" and ".join(f"{folder}/<class>/" for folder in x) for x in LAYOUTS)
    raise ArchiveError(
        f"{source.description}: expected images in {expected}; "
        f"found none in {', '.join(missing[:3]) or 'any of them'}; use one of the FER2013 archives"
    )


def _problem(member: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with a member's entry in the directory, or nothing."""
    name = member.filename
    # On Windows zipfile has turned backslashes into slashes; orig_filename has not changed.
    if "\\" in member.orig_filename or ":" in name or not member.orig_filename.isprintable():
        return f"the name {member.orig_filename!r}"
    if name.startswith("/") or ".." in name.split("/"):
        return f"a path that leaves the folder ({name!r})"
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return f"a link or device ({name!r})"
    if member.flag_bits & 0x1:
        return f"an encrypted file ({name!r})"
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return f"compression method {member.compress_type} ({name!r})"
    return None


def _repeated(names: Iterable[str]) -> str | None:
    """Return a name that stands there twice; case alone makes no difference on many systems."""
    counts = Counter(map(str.casefold, names))
    return next((name for name, count in counts.items() if count > 1), None)


class _Cautious(io.FileIO):
    """A file that refuses one huge read: zipfile reads the list of members in one."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most:
            raise zipfile.BadZipFile(f"a list of members of {size:,} bytes")
        return super().read(size) or b""
