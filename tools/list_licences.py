"""Writes LICENSES.txt into a folder of wheels: what each carries, and which ones hold GPL parts.

``python -m tools.list_licences dist`` (``make package``). ``tools.list_parts`` and
``tools.licences_page`` take from here what the licence of a package is.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import PackageMetadata
from pathlib import Path

_NAME = "LICENSES.txt"
_GPL = re.compile(r"\.libs/lib(x264|x265|xvidcore)\b")
_HEADING = """\
What this folder holds, by its own packages' words; their full texts lie in the wheels.
edge-expressions itself is under the MIT licence, and its wheel carries parts of others: NOTICE.txt.
"""
_GPL_HEADING = """
Wheels with GPL parts. Whoever passes this folder on passes them on under the GPL, version 2 or
later, with the sources that their projects publish. 'make package' without VIDEO=yes has none.
"""


@dataclass(frozen=True, order=True, slots=True)
class Package:
    """A package by its own words: ``licence`` is what its metadata say, "?" for nothing."""

    name: str
    version: str
    licence: str
    gpl: tuple[str, ...]
    """The GPL libraries inside."""


def package(fields: Message | PackageMetadata, files: Iterable[str]) -> Package:
    """Return what ``fields``, the core metadata of a package, and the names of its files say."""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in fields.get_all("Classifier") or []
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    expressions = fields.get_all("License-Expression") or []
    words = fields.get_all("License") or []
    text = next(filter(None, [*expressions, " and ".join(classifiers), *words]), "?").strip()
    gpl = sorted({found[1] for name in files if (found := _GPL.search(name))})
    return Package(str(fields["Name"]), str(fields["Version"]), text.splitlines()[0], tuple(gpl))


def wheel(path: Path) -> Package:
    """Return what the wheel at ``path`` says."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        return package(HeaderParser().parsestr(archive.read(metadata).decode()), names)


def write_list(folder: Path) -> None:
    """Write the list for the wheels in ``folder``; a package of several platforms is one line."""
    found = {(each.name, each.version): each for each in map(wheel, sorted(folder.glob("*.whl")))}
    packages = sorted(found.values())
    lines = [f"{each.name} {each.version}: {each.licence}" for each in packages]
    gpl = [f"{each.name} {each.version}: {', '.join(each.gpl)}" for each in packages if each.gpl]
    parts = [_HEADING, *lines, *([_GPL_HEADING, *gpl] if gpl else [])]
    (folder / _NAME).write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_list(Path(sys.argv[1]))
