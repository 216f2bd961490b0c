"""The files of a scan: what is in folders, how each is called, and how it is known again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import SourceFileError
from edge.sources.paths import display_name, walk

Fingerprint = tuple[int, int]
"""Size in bytes, and when the file was changed last, in nanoseconds."""
_STEM = 40
"""Characters of a file's name that its part bears."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file. ``source`` is its name in the table, ``part`` that of what is written of it."""

    path: Path
    source: str
    part: str
    fingerprint: Fingerprint


def find_inputs(sources: Sequence[str], note: Callable[[str, str], object]) -> list[Input]:
    """Return the files that ``sources``, folders and files, stand for; the largest first.

    Each is called by its path in the folder, behind that of the folder where there are several
    sources. ``note`` takes what is left out: a kind and a name. Raises ``SourceFileError``.
    """
    found: dict[str, Input] = {}
    for path, called in _named(sources, note):
        try:
            status = path.stat()
        except OSError as error:
            note("unreadable", f"{display_name(called)}: {error.strerror}")
            continue
        real = os.path.realpath(path)
        if real not in found:
            fingerprint = status.st_size, status.st_mtime_ns
            found[real] = Input(path, display_name(called), part_name(called), fingerprint)
    # A long file that begins last would have the others wait for it.
    return sorted(found.values(), key=lambda each: (-each.fingerprint[0], each.part))


def fingerprint(path: Path) -> Fingerprint:
    """Return that of the file at ``path``; raises ``OSError``."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def part_name(path: Path) -> str:
    """Return a name for what is written of ``path``: readable, for any system, and its own."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem)[:_STEM].strip("-") or "file"
    return f"{stem}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _named(
    sources: Sequence[str], note: Callable[[str, str], object]
) -> Iterator[tuple[Path, Path]]:
    """Yield every file with what it is called by."""
    for source in sources:
        given = Path(source)
        if given.is_dir():
            for path in walk(given, note):
                called = path.relative_to(given)
                yield path.absolute(), called if len(sources) == 1 else given / called
        elif os.path.lexists(given):
            yield given.absolute(), Path(given.name) if len(sources) == 1 else given
        else:
            raise SourceFileError(
                f"{source}: expected a folder or a file, found none of that name; check the path"
            )
