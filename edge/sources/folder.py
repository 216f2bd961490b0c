"""The pictures and videos of a folder."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from edge.adapters import MOST_PIXELS, Limits, SourceAdapter
from edge.errors import SourceFileError
from edge.protocols import BaseSource
from edge.sources.kinds import is_meant, open_file
from edge.sources.paths import display_name, file_size, walk
from edge.types import Frame

log = logging.getLogger(__name__)


class FolderSource(BaseSource):
    """The pictures and videos in a folder and in those below it, one after the other, by path.

    Frames bear the path within the folder as their source, after ``prefix``. What is left out is
    counted, and said in one line of the log at the end, and so is what is damaged.
    """

    fps = 1.0

    def __init__(self, path: Path, max_pixels: int = MOST_PIXELS) -> None:
        """Look what is in the folder; raises ``SourceFileError`` where it can't be read."""
        self.name = display_name(Path(path.name or path)) + "/"
        self.prefix = ""
        self._path, self._max_pixels = path, max_pixels
        self._left_out: dict[str, list[str]] = {}
        """Kind of file → a note on each that was left out."""
        self.paths = walk(path, self._note)
        self._sizes = list(map(file_size, self.paths))
        self.size = sum(self._sizes) or 1.0
        self._damaged: list[str] = []
        self._total = len(self.paths) + sum(map(len, self._left_out.values()))

    @property
    def description(self) -> str:
        """The name, and how many files are in it."""
        return f"{self.name} ({len(self.paths)} files)"

    def __enter__(self) -> Self:
        """Read the first frame; raises ``SourceFileError`` where there is none."""
        self._frames = self._read()
        first = next(self._frames, None)
        if first is None:
            raise SourceFileError(
                f"{self._path}: expected pictures or videos, found none among {self._total} files"
                f"{(self._left_out and f' ({self._summary()})') or ''}; "
                "name the folder that holds them"
            )
        self._items: Iterator[Frame] = itertools.chain((first,), self._frames)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file that is open, and forget the first frame."""
        self._frames.close()
        self._items = iter(())

    def __iter__(self) -> Iterator[Frame]:
        """Give each picture, whose ``index`` counts through the folder, and each video's frames."""
        yield from self._items
        if count := sum(map(len, self._left_out.values())):
            log.warning(
                "%s: %d of %d files left out: %s", self.name, count, self._total, self._summary()
            )
        if self._damaged:
            self.damage = (
                f"{len(self._damaged)} of {self._total} files damaged and used in part "
                f"({self._damaged[0]})"
            )
            log.warning("%s: %s", self.name, self.damage)

    def _read(self) -> Generator[Frame]:
        pictures, before = 0, 0.0
        for path, size in zip(self.paths, self._sizes, strict=True):
            name = display_name(path.relative_to(self._path))
            source = open_file(path, max_pixels=self._max_pixels)
            source.name = self.prefix + name
            try:
                with source:
                    for frame in source:
                        index = pictures if frame.still else frame.index
                        done = (before + frame.done * size) / self.size
                        yield replace(frame, index=index, done=done)
                        pictures += frame.still
            except SourceFileError as error:
                self._leave_out(path, name, error)
            if source.damage:
                self._damaged.append(name)
            before += size

    def _leave_out(self, path: Path, name: str, error: SourceFileError) -> None:
        if path.is_symlink() and not path.exists():
            self._note("dead links", name)
        elif is_meant(path):
            self._note("unreadable", f"{name}: {str(error).removeprefix(f'{path}: ')}")
        else:
            self._note("other files", name)

    def _note(self, kind: str, note: str) -> None:
        self._left_out.setdefault(kind, []).append(note)

    def _summary(self) -> str:
        """Say what was left out: "other files 2 (notes.txt), dead links 1 (a.jpg)"."""
        return ", ".join(
            f"{kind} {len(notes)} ({notes[0]})" for kind, notes in self._left_out.items()
        )


def _check(address: str, _: object, limits: Limits, __: object) -> str:
    with FolderSource(Path(address), limits.max_pixels) as source:
        return source.description


ADAPTER = SourceAdapter(
    "folder",
    matches=os.path.isdir,
    open=lambda address, _, limits: FolderSource(Path(address), limits.max_pixels),
    check=_check,
)
