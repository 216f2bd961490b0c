"""Writes LICENSES.txt into a folder of wheels: what each carries, and which ones hold GPL parts.

``python -m tools.list_licences dist`` (``make package``).
"""

from __future__ import annotations

import re
import sys
import zipfile
from email.parser import HeaderParser
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


def licence(wheel: Path) -> tuple[str, str, list[str]]:
    """Return name and version, the licence that its metadata names, and its GPL libraries."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        fields = HeaderParser().parsestr(archive.read(metadata).decode())
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in fields.get_all("Classifier", [])
        if line.startswith("License :: ")
    ]
    text = fields["License-Expression"] or " and ".join(classifiers) or fields["License"] or "?"
    gpl = sorted({found[1] for name in names if (found := _GPL.search(name))})
    return f"{fields['Name']} {fields['Version']}", text.splitlines()[0], gpl


def write_list(folder: Path) -> None:
    """Write the list for the wheels in ``folder``; a package of several platforms is one line."""
    found = sorted({name: rest for name, *rest in map(licence, folder.glob("*.whl"))}.items())
    lines = [f"{name}: {text}" for name, (text, _) in found]
    gpl = [f"{name}: {', '.join(libraries)}" for name, (_, libraries) in found if libraries]
    parts = [_HEADING, *lines, *([_GPL_HEADING, *gpl] if gpl else [])]
    (folder / _NAME).write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_list(Path(sys.argv[1]))
