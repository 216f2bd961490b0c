"""Cases of ``run`` with one bad source: a file, a folder, or what stands in the place of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.attack.case import Case

RUN = ("edge", "run", "--min-face", "0")
"""Looks at each frame once, which is enough here."""
EITHER = (0, 2)
"""The exit codes of what may have something that can be read."""
SAID = r"damaged|expected"


def written(
    name: str,
    make: Callable[[], bytes],
    codes: Sequence[int] = (2,),
    says: str = "expected",
    **more: Any,
) -> Case:
    """Return the case of one file, which is called by the case's name."""
    file = name.replace(" ", "-").replace("/", "-")
    options: Sequence[str] = more.pop("options", ())

    def prepare(folder: Path) -> Sequence[str]:
        (folder / file).write_bytes(make())
        return [*RUN, file, *options]

    return Case(name, prepare, codes, says, **more)


def arranged(
    name: str, arrange: Callable[[Path], str], codes: Sequence[int] = (2,), says: str = "expected",
    **more: Any,
) -> Case:  # fmt: skip
    """Return the case of what ``arrange`` makes in a folder, returning the name of the source."""
    options: Sequence[str] = more.pop("options", ())
    return Case(name, lambda folder: [*RUN, arrange(folder), *options], codes, says, **more)


def named(name: str, content: bytes, folder: Path) -> Sequence[str]:
    """Write a file and return the arguments that name it."""
    (folder / name).write_bytes(content)
    return [*RUN, name]


def folder_of(files: Mapping[str, bytes], folder: Path) -> str:
    """Write files and return the name of their folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return "."


def made(path: Path, content: bytes) -> str:
    """Write a file and return its name."""
    path.write_bytes(content)
    return path.name


def is_there(output: str, folder: Path, _: object) -> str:
    """Say where an output, or a folder of outputs, is missing."""
    path = folder / output
    found = any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size
    return "" if found else f"no {output}"
