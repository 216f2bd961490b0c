"""How a data set takes the place of another one: whole, whenever it is killed.

What is to come is made ready in one folder, and one rename says that it is. From then on whoever
reads the images first finishes the move, where a kill has left it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from train.errors import DatasetError

ASIDE = ".incoming"
"""In the folder of images: a data set in the making, or what is left of one."""
_READY = ".ready"
"""A whole data set that takes its place."""
_PREVIOUS, _GONE = ".previous", ".gone"
"""In it: what was replaced, and the names of what goes without anything in its place."""


def take_place(images: Path, gone: Iterable[str]) -> None:
    """Let all that is in ``images/ASIDE`` take its place in ``images``, and ``gone`` go."""
    aside = images / ASIDE
    (aside / _PREVIOUS).mkdir()
    (aside / _GONE).write_text("\n".join(gone), encoding="utf-8")
    aside.replace(images / _READY)
    finish(images)


def finish(images: Path) -> None:
    """Go on where a data set that took its place was stopped; raises ``DatasetError``."""
    ready = images / _READY
    if not ready.is_dir():
        return
    try:
        for name in filter(None, (ready / _GONE).read_text(encoding="utf-8").split("\n")):
            _keep_previous(images, name)
        for new in sorted(ready.iterdir()):
            if new.name not in (_PREVIOUS, _GONE):
                _keep_previous(images, new.name)
                new.replace(images / new.name)
        shutil.rmtree(images / ASIDE, ignore_errors=True)
        ready.replace(images / ASIDE)
    except OSError as error:
        raise DatasetError(
            f"{images}: expected to finish a data set that was stopped while it took its place, "
            f"found: {error.strerror}; run 'make data ARCHIVE=…' again as its owner"
        ) from error
    shutil.rmtree(images / ASIDE, ignore_errors=True)


def _keep_previous(images: Path, name: str) -> None:
    if (images / name).exists():
        (images / name).replace(images / _READY / _PREVIOUS / name)
