"""Puts a data set into the images folder: unpacked and checked aside, then moved into place."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np

from edge.contract import Framing
from edge.files import write_text
from edge.protocols import Detector
from train.archive import MAX_BYTES, Source, open_source
from train.data import list_files, load_splits, load_whole
from train.errors import ArchiveError, DatasetError
from train.faces import FaceCutter, contact_sheet
from train.inventory import Inventory, take_inventory
from train.layout import TEST, TRAIN, VALIDATION, Layout, find_layout
from train.place import ASIDE, finish, take_place

_SPLITS = (TRAIN, VALIDATION, TEST)
_REPORT = "report.json"
_SHEET = "faces.png"
_FILES = "files.txt"
"""Lists what an installation put into the splits, a line each: ``split/class/file``."""
_log = logging.getLogger(__name__)


def install(
    path: Path, images: Path, most: int = MAX_BYTES, detector: Detector | None = None
) -> Inventory:
    """Replace the data set in ``images`` by that of ``path``, an archive or a folder.

    ``most`` are the bytes that its images may have. With a ``detector`` they are photographs, of
    which the largest face is taken; ``images/faces.png`` shows the first ones. Returns the report,
    which is also ``images/report.json``. Other files in ``images`` are not touched. Raises
    ``DatasetError``; then ``images`` holds what it held before.
    """
    with open_source(path) as source:
        return install_from(source, images, most, detector)


def install_from(
    source: Source, images: Path, most: int = MAX_BYTES, detector: Detector | None = None
) -> Inventory:
    """As ``install``, from an opened source."""
    cutter = FaceCutter(source, detector) if detector else None
    layout = find_layout(source.names, source.description, expressions=True)
    _log.info("%s: %s", source.description, layout)
    aside = images / ASIDE
    try:
        images.mkdir(parents=True, exist_ok=True)
        finish(images)
        replaced = _replaced(images, layout)
        shutil.rmtree(aside, ignore_errors=True)  # what a killed run left
        try:
            if cutter:
                _unpack(cutter.cut(), layout, aside, most, cutter.without)
            else:
                _unpack(source, layout, aside, most, ())
            inventory = _examine(source, layout, aside, images, replaced, cutter)
            new = {path.name for path in aside.iterdir()}
            take_place(images, {*replaced, _SHEET} - new)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise DatasetError(
            f"{error.filename or images}: expected to write the data set, found: {error.strerror}; "
            "free some space or check the permissions"
        ) from error
    return inventory


def framing_of(images: Path) -> Framing | None:
    """Return how the faces in ``images`` were cut out of photographs, None where they were not."""
    try:
        return Framing(**json.loads((images / _REPORT).read_text(encoding="utf-8"))["framing"])
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _unpack(
    source: Source, layout: Layout, aside: Path, most: int, without: Collection[str]
) -> None:
    """Write the images of ``source``; reading one adds it to ``without`` where it shows no face."""
    for split, label in {place[:2] for place in layout.places.values()}:
        (aside / split / label).mkdir(parents=True)
    written = 0
    for name, place in layout.places.items():
        content = source.read(name)
        if name not in without:
            written += aside.joinpath(*place).write_bytes(content)
        if written > most:
            raise ArchiveError(
                f"{source.description}: expected images of at most {most >> 20:,} MB in all, "
                "found more; make them smaller"
            )


def _examine(
    source: Source,
    layout: Layout,
    aside: Path,
    images: Path,
    replaced: Sequence[str],
    cutter: FaceCutter | None,
) -> Inventory:
    """Read what was unpacked, divide it if nobody did, and write the report beside it."""
    if cutter and len(cutter.without) == len(layout.places):
        raise DatasetError(
            f"{source.description}: expected photographs of faces, found none in "
            f"{len(layout.places):,}; leave FACES away for images of faces alone"
        )
    splits = list(load_splits(aside, origin=source.description).values())
    if not layout.divided:
        for name in next(split.names for split in splits if split.name == VALIDATION):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / TRAIN / name.partition("/")[2]).rename(aside / name)
    files = list_files(aside)
    write_text(aside / _FILES, "\n".join(sorted(files)))
    if TEST not in replaced and (images / TEST).is_dir():
        own = load_whole(images / TEST)
        splits.append(own.part(TEST, np.ones(len(own.labels), bool)))
    inventory = take_inventory(splits)
    if cutter:
        inventory = replace(inventory, without_face=tuple(sorted(cutter.without)))
        cv2.imwrite(str(aside / _SHEET), contact_sheet(splits))
    framing = {"framing": asdict(cutter.framing)} if cutter else {}
    report = inventory.to_dict() | framing
    write_text(aside / _REPORT, json.dumps(report, indent=1) + "\n")
    return inventory


def _replaced(images: Path, layout: Layout) -> list[str]:
    """Return the splits that are to be replaced; a test split of the user's own stays.

    Images that somebody collected by hand must not be deleted by a download.
    """
    try:
        ours = set((images / _FILES).read_text(encoding="utf-8").split("\n"))
    except (FileNotFoundError, ValueError):
        ours = set()
    splits = {split for split, _, _ in layout.places.values()} | {TRAIN, VALIDATION}
    splits |= {name.partition("/")[0] for name in ours} & {TEST}
    for split in sorted(splits):
        found = (path for path in (images / split).rglob("*") if not path.is_dir())
        foreign = [path for path in found if path.relative_to(images).as_posix() not in ours]
        if foreign:
            raise DatasetError(
                f"{images / split}: expected only files that 'make data' put there "
                f"({images / _FILES} lists them), found {len(foreign):,} more, such as "
                f"{min(foreign)}; move what is yours away first"
            )
    return [split for split in _SPLITS if split in splits]
