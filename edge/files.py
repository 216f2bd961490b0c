"""Reading files that somebody else wrote, and writing so that nothing half-written is ever seen."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

UNFINISHED = ".part"
"""What is in the name of a file that is not whole."""
_MOST_TOML = 1 << 18
"""Bytes of settings or of a recipe: those with everything in them have a tenth of it."""
_MOST_DOTS, _MOST_BITS = 500, 63
_TEXTS = re.compile(
    rb"""\"{3}.*?(?:\"{3}|\Z)|'{3}.*?(?:'{3}|\Z)|#[^\n]*|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?""", re.S
)
"""Texts and comments of TOML, in which dots separate nothing."""


def open_regular(path: Path) -> BinaryIO:
    """Open the regular file at ``path`` for reading; links are followed.

    A pipe or a device would block or never end. Raises ``OSError``.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        what = "a folder" if path.is_dir() else "a pipe, a device or a socket"
        raise OSError(errno.EINVAL, f"{what}, not a file", str(path))
    return path.open("rb")


def read_regular(path: Path, most: int) -> bytes:
    """Return what is in the regular file at ``path``, ``most`` bytes; raises ``OSError``."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {_size(most)}", str(path))
    return content


def read_toml(path: Path) -> dict[str, Any]:
    """Return what the TOML file at ``path`` says; raises ``OSError``, ``ValueError``."""
    content = read_regular(path, _MOST_TOML)
    # Of the parts of a key, which dots separate, tomllib takes the square in time and in memory.
    if any(line.count(b".") > _MOST_DOTS for line in _TEXTS.sub(b"", content).splitlines()):
        raise ValueError(f"a line with more than {_MOST_DOTS} dots")
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
        _check_numbers(values)
    except RecursionError as error:
        raise ValueError("lists or tables that are nested too deep") from error
    return values


def _check_numbers(value: object) -> None:
    """Raise ``ValueError`` where a number is longer than TOML's: Python can't even print it."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _check_numbers(each)
    elif isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"a number of {value.bit_length()} bits, at most {_MOST_BITS} are right")


def check_target(path: Path) -> None:
    """Raise ``OSError`` where no file could be put at ``path``; nothing is made or changed.

    For work that takes long: what cannot be written at its end is better said at its beginning.
    """
    _refuse_folder(path)
    try:
        # What is missing of the way to the file will be made in this one.
        folder = next(parent for parent in path.parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
        with contextlib.suppress(FileNotFoundError):  # is there a name that is too long?
            _temporary(path, path.suffix).lstat()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def replacing(path: Path, suffix: str | None = None) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, with its suffix or another, that replaces it.

    What was at ``path`` stays untouched when the body raises, and the temporary file goes away. Its
    name is its own, so that runs with the same target, also on other machines, do not mix. Raises
    ``OSError`` where the folder cannot be written, and before the body where ``path`` is a folder.
    """
    _refuse_folder(path)
    temporary = _temporary(path, path.suffix if suffix is None else suffix)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename != str(temporary):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def replace_with(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that becomes ``path`` when the body ends without an error.

    Until then it ends with ``UNFINISHED``, so that no pattern for finished ones finds it.
    """
    with replacing(path, "") as temporary, temporary.open("wb") as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` with ``text`` in UTF-8."""
    with replace_with(path) as file:
        file.write(text.encode())


def sync_folder(folder: Path) -> None:
    """Make a new name in ``folder`` durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >> 20 else f"{count >> 10} kB"


def _temporary(path: Path, suffix: str) -> Path:
    """A new name for what becomes ``path``; with its own suffix the longest that is made of it."""
    return path.with_name(f".{path.stem}.{os.urandom(4).hex()}{UNFINISHED}{suffix}")


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
