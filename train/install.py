"""Puts a data set into the images folder: whole or not at all, at any moment of a kill.

A new data set grows in ``.incoming``. Renamed to ``.ready`` it counts: from then on it takes its
place by renames, which the next start finishes if this one can't. What it replaces waits in
``.previous`` and is deleted last. Other files of the user are not touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.files import write_text
from train.archive import FolderSource, Limits, Plan, Source, ZipSource, plan
from train.data import load_split
from train.errors import DatasetError
from train.inventory import Inventory, take_inventory

_SPLITS = ("train", "validation")
_TEST = "test"
_REPORT = "report.json"
_FILES = "files.txt"
"""Lists what an installation put into the splits, a line each: ``split/class/file``."""


def install(
    path: Path, images: Path, say: Callable[[str], None], limits: Limits | None = None
) -> Inventory:
    """Replace the data set in ``images`` by that of ``path``, a ZIP archive or a folder.

    ``say`` is told which folder becomes which split. Returns the report, which is also
    ``images/report.json``. Raises ``DatasetError``; then ``images`` holds what it held before.
    """
    if path.is_dir():
        return install_from(FolderSource(path, limits), images, say)
    with ZipSource(path, limits) as source:
        return install_from(source, images, say)


def install_from(source: Source, images: Path, say: Callable[[str], None]) -> Inventory:
    """As ``install``, from an opened source."""
    chosen = plan(source)
    say(f"{source.description}: {chosen}")
    try:
        images.mkdir(parents=True, exist_ok=True)
        with _alone(images):
            recover(images)
            _refuse_foreign(images)
            return _install(source, chosen, images)
    except OSError as error:
        raise DatasetError(
            f"{error.filename or images}: expected to write the data set, found: {error.strerror}; "
            "free some space or check the permissions"
        ) from error


def recover(images: Path) -> None:
    """Finish or clear away what a killed run has left in ``images``."""
    incoming, ready, previous = (images / name for name in (".incoming", ".ready", ".previous"))
    if ready.exists():
        _swap(ready, images, previous)
    for leftover in (incoming, previous):
        shutil.rmtree(leftover, ignore_errors=True)


def _install(source: Source, chosen: Plan, images: Path) -> Inventory:
    incoming, ready = images / ".incoming", images / ".ready"
    try:
        _extract(source, chosen, incoming)
        splits = [load_split(incoming, name, source.description) for name in _SPLITS]
        if (images / _TEST).is_dir():
            splits.append(load_split(images, _TEST))
        inventory = take_inventory(splits)
        write_text(incoming / _FILES, "\n".join(sorted(chosen.targets.values())))
        write_text(incoming / _REPORT, json.dumps(inventory.to_dict(), indent=1) + "\n")
        if hasattr(os, "sync"):
            os.sync()  # 30,000 files: one call, not one for each
        incoming.rename(ready)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    previous = images / ".previous"
    _swap(ready, images, previous)
    shutil.rmtree(previous, ignore_errors=True)
    return inventory


def _refuse_foreign(images: Path) -> None:
    """Images that somebody collected by hand must not be deleted by a download."""
    try:
        ours = set((images / _FILES).read_text(encoding="utf-8").split("\n"))
    except (FileNotFoundError, ValueError):
        ours = set()
    for split in _SPLITS:
        found = (path for path in (images / split).rglob("*") if path.is_file())
        foreign = [path for path in found if path.relative_to(images).as_posix() not in ours]
        if foreign:
            newest = max(foreign, key=lambda path: path.stat().st_ctime)  # moved or copied here
            raise DatasetError(
                f"{images / split}: expected only files that 'make data' put there "
                f"({images / _FILES} lists them), found {len(foreign):,} more, the newest "
                f"{newest}; move what is yours away first"
            )


def _extract(source: Source, chosen: Plan, folder: Path) -> None:
    for target in {str(Path(target).parent) for target in chosen.targets.values()}:
        (folder / target).mkdir(parents=True)
    for name, target in chosen.targets.items():
        with (folder / target).open("xb") as file:
            file.write(source.read(name))


def _swap(ready: Path, images: Path, previous: Path) -> None:
    """Let all that is in ``ready`` take its place, or, when that fails, nothing of it."""
    previous.mkdir(exist_ok=True)
    names = sorted(path.name for path in ready.iterdir())
    try:
        for name in names:
            if (images / name).exists():
                (images / name).rename(previous / name)
            (ready / name).rename(images / name)
        ready.rmdir()
    except BaseException:  # Ctrl-C too
        for name in names:
            if not (ready / name).exists():
                (images / name).rename(ready / name)
            if (previous / name).exists():
                (previous / name).rename(images / name)
        shutil.rmtree(ready, ignore_errors=True)
        raise


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold ``folder`` against a second run; the system lets go when this process ends."""
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on Windows

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise DatasetError(
            f"{folder}: expected to be alone, found another 'make data' at work; wait for it"
        ) from error
    try:
        yield
    finally:
        os.close(handle)
