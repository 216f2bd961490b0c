"""Puts a data set into the images folder: unpacked and checked aside, then moved into place."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from edge.files import write_text
from train.archive import MAX_BYTES, Plan, Source, open_source, plan
from train.data import load_split
from train.errors import ArchiveError, DatasetError
from train.inventory import Inventory, take_inventory

_SPLITS = ("train", "validation")
_TEST = "test"
_REPORT = "report.json"
_FILES = "files.txt"
"""Lists what an installation put into the splits, a line each: ``split/class/file``."""
_ASIDE = ".incoming"
_log = logging.getLogger(__name__)


def install(path: Path, images: Path, most: int = MAX_BYTES) -> Inventory:
    """Replace the data set in ``images`` by that of ``path``, a ZIP archive or a folder.

    ``most`` are the bytes that its images may have. Returns the report, which is also
    ``images/report.json``. Other files in ``images`` are not touched. Raises ``DatasetError``; then
    ``images`` holds what it held before.
    """
    with open_source(path) as source:
        return install_from(source, images, most)


def install_from(source: Source, images: Path, most: int = MAX_BYTES) -> Inventory:
    """As ``install``, from an opened source."""
    chosen = plan(source)
    _log.info("%s: %s", source.description, chosen)
    aside = images / _ASIDE
    try:
        images.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(images)
        shutil.rmtree(aside, ignore_errors=True)  # what a killed run left
        try:
            _unpack(source, chosen, aside, most)
            inventory = _examine(source, chosen, aside, images)
            _move(aside, images)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise DatasetError(
            f"{error.filename or images}: expected to write the data set, found: {error.strerror}; "
            "free some space or check the permissions"
        ) from error
    return inventory


def _unpack(source: Source, chosen: Plan, aside: Path, most: int) -> None:
    for folder in {str(Path(target).parent) for target in chosen.targets.values()}:
        (aside / folder).mkdir(parents=True)
    written = 0
    for name, target in chosen.targets.items():
        written += (aside / target).write_bytes(source.read(name))
        if written > most:
            raise ArchiveError(
                f"{source.description}: expected images of at most {most >> 20:,} MB in all, "
                "found more; use one of the FER2013 archives"
            )


def _examine(source: Source, chosen: Plan, aside: Path, images: Path) -> Inventory:
    """Read what was unpacked and write the report beside it."""
    splits = [load_split(aside, name, source.description) for name in _SPLITS]
    if (images / _TEST).is_dir():
        splits.append(load_split(images, _TEST))
    inventory = take_inventory(splits)
    write_text(aside / _FILES, "\n".join(sorted(chosen.targets.values())))
    write_text(aside / _REPORT, json.dumps(inventory.to_dict(), indent=1) + "\n")
    return inventory


def _move(aside: Path, images: Path) -> None:
    """Let all that is ``aside`` take its place.

    Everything old goes before anything new comes: a kill in between leaves a split missing, which
    every command names, and never old images beside new ones. The list of files goes last and comes
    first, so that what is there is always known to be ours.
    """
    names = (_FILES, _REPORT, *_SPLITS)
    previous = aside / "previous"
    previous.mkdir()
    for name in reversed(names):
        if (images / name).exists():
            (images / name).replace(previous / name)
    for name in names:
        (aside / name).replace(images / name)


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
            raise DatasetError(
                f"{images / split}: expected only files that 'make data' put there "
                f"({images / _FILES} lists them), found {len(foreign):,} more, such as "
                f"{min(foreign)}; move what is yours away first"
            )
