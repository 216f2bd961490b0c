"""What is written of one file: its tables and its manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from edge.files import replace_with
from edge.scan.inputs import Input, readable
from edge.scan.moments import Moments
from edge.scan.results import FRAMES, METADATA, SECONDS, Manifest
from edge.sinks.columns import Columns
from edge.sinks.seconds import Seconds
from edge.sinks.table import frame_table, second_table
from edge.sources.images import ImageSource
from edge.sources.video import VideoSource
from edge.types import Frame, FrameResult, Outage

_ROWS = 2048
"""Rows of a table that are kept in memory."""


@contextmanager
def new_part(results: Path, name: str, kinds: Sequence[str]) -> Iterator[Mapping[str, BinaryIO]]:
    """Open a new file of each of ``kinds`` for the part ``name``; raises ``OSError``.

    Where the body does not fail all are put in their place, the last kind last.
    """
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(replace_with(results / kind / f"{name}.parquet"))
            for kind in reversed(kinds)
        }


class Part:
    """Writes results of one file to ``files``, by kind of table."""

    def __init__(
        self, files: Mapping[str, BinaryIO], labels: Sequence[str], thumbnails: bool
    ) -> None:
        """Begin the tables; raises ``OSError``."""
        kinds = {FRAMES: frame_table, SECONDS: second_table}
        self._tables = {
            kind: Columns(kinds[kind](labels), file, _ROWS) for kind, file in files.items()
        }
        self._moments, self._seconds = Moments(thumbnails), Seconds()
        self._last: Frame | None = None
        self._frames = self._faces = 0
        self._tracks: set[int] = set()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, problem: object, *_: object) -> None:
        """Drop the tables where something failed."""
        if problem:
            for table in self._tables.values():
                table.drop()

    def take(
        self,
        results: Iterable[tuple[Frame, FrameResult] | Outage],
        tell: Callable[[float], object],
    ) -> None:
        """Write ``results``; ``tell`` takes which share of the file is done.

        Raises ``SourceError`` where nothing of it can be read, and ``OSError``.
        """
        for item in results:
            if not isinstance(item, Outage):
                self._add(*item)
                tell(item[0].done)

    def finish(self, file: Input, source: ImageSource | VideoSource, took: float) -> Manifest:
        """Write what is left, and the manifest, which is returned; raises ``OSError``."""
        for second in self._seconds.end():
            self._tables[SECONDS].add(second)
        last = self._last
        assert last is not None, "a source gives a frame or raises"
        manifest = Manifest(
            source=file.source,
            part=file.part,
            path=readable(file.path),
            fingerprint=list(file.fingerprint),
            kind="picture" if last.still else "video",
            width=last.image.shape[1],
            height=last.image.shape[0],
            fps=round(source.fps, 3),
            length=0.0 if last.still else round(max(source.length, last.time + 1 / source.fps), 3),
            frames=self._frames,
            faces=self._faces,
            people=self._faces if last.still else len(self._tracks),
            damaged=readable(source.damage),
            undecodable=source.undecodable,
            took=round(took, 3),
            moments=self._moments.best(),
        )
        for kind, table in self._tables.items():
            table.close({METADATA: json.dumps(manifest)} if kind == SECONDS else None)
        return manifest

    def _add(self, frame: Frame, result: FrameResult) -> None:
        self._last = frame
        self._frames += 1
        self._faces += len(result.faces)
        self._tracks.update(face.track_id for face in result.faces if face.track_id is not None)
        self._moments.add(frame, result)
        if FRAMES in self._tables:
            self._tables[FRAMES].add(result.to_dict())
        for second in self._seconds.add(frame, result):
            self._tables[SECONDS].add(second)
