"""Reads the public archives of FER2013 and folders unpacked from them, without trusting them.

A member is taken only where its whole path is one that we expect, and is written under a name that
is made of its parts: links, paths that lead elsewhere and second copies (one public archive holds
all images again under ``images/images/``) are left out without a rule of their own.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.contract import ZIP_DAMAGE
from edge.errors import first_line
from train.data import LABELS, SUFFIXES
from train.errors import ArchiveError, DownloadError

LAYOUTS: tuple[Mapping[str, str], ...] = (
    {"images/train": "train", "images/validation": "validation"},
    {"train": "train", "validation": "validation"},
    # Here "test" is PublicTest and PrivateTest together (7,178 images), all that was kept from
    # training, so that it serves as the validation split.
    {"train": "train", "test": "validation"},
)
"""Folder in the archive → split; the first layout that an archive fills is taken."""
MAX_IMAGE_BYTES = 1 << 18
"""48×48 pixels take 2.3 kB, and 20 kB in the most wasteful of formats."""
MAX_BYTES = 1 << 30
"""Of all images; the public data sets have 51 to 125 MB."""
_PATH = re.compile(r"(?P<folder>.+)/(?P<label>[a-z]+)/(?P<name>[^/\\:.][^/\\:]*)")


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
    """Open a ZIP archive or the folder of an unpacked one; raises ``ArchiveError``."""
    if path.is_dir():
        yield _folder(path)
        return
    if not path.is_file():
        found = "something else" if path.exists() else "no such file"
        raise ArchiveError(f"{path}: expected a ZIP archive, found {found}; check the path")
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except ZIP_DAMAGE as error:
            raise _damaged(path, error) from error
        yield _zip(path, archive)


def _zip(path: Path, archive: zipfile.ZipFile) -> Source:
    def read(name: str) -> bytes:
        size = archive.getinfo(name).file_size
        if size > MAX_IMAGE_BYTES:
            raise _too_large(f"{path}: {name}")
        try:
            with archive.open(name) as file:
                return file.read(size + 1)  # unlike read(), it unpacks no more than that
        except (*ZIP_DAMAGE, RuntimeError) as error:  # RuntimeError: it is encrypted
            raise _damaged(path, error) from error

    return Source(str(path), archive.namelist(), read)


def _folder(root: Path) -> Source:
    def read(name: str) -> bytes:
        if (root / name).stat().st_size > MAX_IMAGE_BYTES:
            raise _too_large(str(root / name))
        return (root / name).read_bytes()

    names = [
        f"{folder}/{label}/{path.name}"
        for folder in sorted({folder for layout in LAYOUTS for folder in layout})
        for label in LABELS
        for path in sorted((root / folder / label).glob("*"))
        if path.is_file()
    ]
    return Source(str(root), names, read)


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
    files = [name for name in source.names if not name.endswith("/")]
    for layout in LAYOUTS:
        targets = {name: target for name in files if (target := _target(name, layout))}
        found = {target.rpartition("/")[0] for target in targets.values()}
        lacking = [
            f"{folder}/{label}"
            for folder, split in layout.items()
            for label in LABELS
            if f"{split}/{label}" not in found
        ]
        if not lacking:
            return Plan(layout, targets, len(files) - len(targets))
        if found and (not missing or len(lacking) < len(missing)):
            missing = lacking
    expected = ", or ".join(" and ".join(f"{folder}/<class>/" for folder in x) for x in LAYOUTS)
    raise ArchiveError(
        f"{source.description}: expected images in {expected}; "
        f"found none in {', '.join(missing[:3]) or 'any of them'}; use one of the FER2013 archives"
    )


def _target(name: str, layout: Mapping[str, str]) -> str | None:
    """``split/class/file`` of an image that has a place in ``layout``."""
    parts = _PATH.fullmatch(name)
    if parts is None or parts["folder"] not in layout or parts["label"] not in LABELS:
        return None
    if Path(parts["name"]).suffix.lower() not in SUFFIXES or not parts["name"].isprintable():
        return None
    return f"{layout[parts['folder']]}/{parts['label']}/{parts['name']}"


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
        f"{path}: expected a whole ZIP archive, found: {first_line(error)}; nothing was changed, "
        "download it again"
    )


def _too_large(what: str) -> ArchiveError:
    return ArchiveError(
        f"{what}: expected an image of at most {MAX_IMAGE_BYTES >> 10} kB, found a larger file; "
        "use one of the FER2013 archives"
    )
