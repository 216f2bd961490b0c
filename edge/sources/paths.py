"""Files and folders as sources: how they are called, what is in them, and what is no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from edge.errors import SourceFileError
from edge.files import open_regular


def display_name(path: Path) -> str:
    """Return ``path`` as text with a "�" for each byte that is no UTF-8, which no record takes."""
    return os.fsencode(path).decode(errors="replace")


def file_size(path: Path) -> float:
    """Return the bytes of the file at ``path``, 1 where it cannot be seen."""
    try:
        return float(max(path.stat().st_size, 1))
    except OSError:
        return 1.0


def check_file(path: Path) -> None:
    """Raise ``SourceFileError`` where the file at ``path`` can't be read, or is empty."""
    try:
        with open_regular(path) as file:
            empty = not file.read(1)
    except OSError as error:
        raise SourceFileError(
            f"{path}: expected a video or a picture, found {error.strerror}; "
            "check its path and its permissions"
        ) from error
    if empty:
        raise SourceFileError(
            f"{path}: expected a video or a picture, found an empty file; copy it again"
        )


def walk(folder: Path, note: Callable[[str, str], object]) -> list[Path]:
    """Return every file in ``folder`` and in those below it, sorted; links are followed once.

    ``note`` is called with a kind and a text for each folder that is passed over. Raises
    ``SourceFileError`` where ``folder`` itself can't be read.
    """

    def unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise SourceFileError(
                f"{folder}: expected a folder, found {error.strerror}; "
                "check its path and its permissions"
            ) from error
        note("unreadable folders", f"{error.filename}: {error.strerror}")

    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        status = Path(root).stat()
        if (key := (status.st_dev, status.st_ino)) in seen:
            folders.clear()
            note("links to folders that were read already", root)
            continue
        seen.add(key)
        folders.sort()
        found += [Path(root, name) for name in names]
    return sorted(found)
