"""The files of a scan: what is in folders, how each is called, and how it is known again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import SourceFileError
from edge.sources.paths import walk

Fingerprint = tuple[int, int]
"""Size in bytes, and when the file was changed last, in nanoseconds."""
SCAN = "scan.json"
"""What tells a folder of results from others: none of its files is an input."""
_STEM = 40
"""Characters of a file's name that its part bears."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file. ``source`` is its name in the table, ``part`` that of what is written of it.

    ``path`` has no links in it.
    """

    path: Path
    source: str
    part: str
    fingerprint: Fingerprint

    def without_path(self, reason: str) -> str:
        """Return why the file failed, without where it is, fit for a table."""
        return readable(reason.removeprefix(f"{self.path}: "))


def find_inputs(sources: Sequence[str], note: Callable[[str, str], object]) -> list[Input]:
    """Return the files that ``sources``, folders and files, stand for; the largest first.

    Each is called by the name of the folder that was given and its path in there, a single file by
    its folder's and its own. ``note`` takes what is left out: a kind and a text. Raises
    ``SourceFileError``.
    """
    found: dict[str, Input] = {}
    for path, called in _named(sources, note):
        try:
            mark = fingerprint(path)
        except OSError as error:
            note("unreadable", f"{readable(called)}: {error.strerror}")
            continue
        real = os.path.realpath(path)
        found.setdefault(real, Input(Path(real), readable(called), part_name(called), mark))
    _refuse_namesakes(list(found.values()))
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


def readable(path: Path | str) -> str:
    r"""Return ``path`` as text; a byte that is no UTF-8 is "\xff", so that names stay apart."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _named(
    sources: Sequence[str], note: Callable[[str, str], object]
) -> Iterator[tuple[Path, Path]]:
    """Yield every file with what it is called by."""
    for source in sources:
        given = Path(os.path.abspath(source))  # noqa: PTH100 - a link keeps its name
        if not source or not os.path.lexists(given):
            raise SourceFileError(
                f"{source or 'source'}: expected a folder or a file, found none of that name; "
                "check the path"
            )
        if not given.is_dir():
            yield given, Path(given.parent.name, given.name)
            continue
        files = walk(given, note)
        results = {path.parent for path in files if path.name == SCAN}
        for folder in results:
            note("folders of results", readable(Path(given.name, folder.relative_to(given))))
        for path in files:
            if results.isdisjoint(path.parents):
                yield path, Path(given.name, path.relative_to(given))


def _refuse_namesakes(found: Sequence[Input]) -> None:
    seen: dict[str, Input] = {}
    for each in found:
        other = seen.setdefault(each.part, each)
        if other is not each:
            raise SourceFileError(
                f"sources: expected files of different names, found two '{each.source}': "
                f"'{readable(other.path)}' and '{readable(each.path)}'; scan the folder that holds "
                "both, or into two outputs"
            )
