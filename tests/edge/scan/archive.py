"""Small archives, and workers in the process of the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pyarrow
import pyarrow.parquet

from edge.scan.inputs import Input
from edge.scan.results import FRAMES, SECONDS, parts
from edge.scan.scan import Scan
from edge.scan.settings import ScanSettings
from edge.scan.work import Engine, Outcome
from edge.sources.demo import DemoSource, load_portraits
from tests.edge.clips import write_change
from tests.edge.sources.media import ramp, write_video

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def write_archive(folder: Path) -> None:
    """Two faces in a clip, nobody in a video, a photograph, a broken video and a text."""
    (folder / "below").mkdir(parents=True)
    write_change(folder / "change.mp4", frames=6)
    write_video(folder / "below" / "nobody.mp4", ramp(5))
    write_photograph(folder / "face.png")
    (folder / "broken.mp4").write_bytes(b"no video at all")
    (folder / "notes.txt").write_text("not looked at")


def write_photograph(path: Path) -> None:
    portrait = load_portraits()[0]
    cv2.imwrite(str(path), DemoSource([portrait], faces=1).render(0))


class Here:
    """Opens workers that are no processes of their own; remembers what they were given."""

    def __init__(self, most: int | None = None) -> None:
        """``most`` files are done, then Ctrl-C comes."""
        self.given: list[list[str]] = []
        self._most = most

    @contextmanager
    def __call__(
        self, settings: ScanSettings, model: bytes, results: Path, files: int
    ) -> Iterator[Here]:
        assert model == settings.model_path.read_bytes()
        self._engine = Engine(settings, settings.model_path, results)
        yield self

    def scan(self, files: Sequence[Input], told: Any) -> Iterator[Outcome]:
        self.given.append([file.source for file in files])
        for n, file in enumerate(files):
            if n == self._most:
                raise KeyboardInterrupt
            yield self._engine.scan(file, partial(told, file))


def scan(source: Path | str, output: Path, here: Here | None = None, **more: Any) -> int:
    settings = ScanSettings((str(source),), output=output, **more)
    return Scan(settings, LABELS, lambda line: None, here or Here()).run()


def rows(results: Path, kind: str = FRAMES) -> list[dict[str, Any]]:
    """All rows, without the times that the work took, in an order of their own."""
    found = [
        row for path in parts(results, kind) for row in pyarrow.parquet.read_table(path).to_pylist()
    ]
    kept = [{k: v for k, v in row.items() if not k.endswith("_ms")} for row in found]
    return sorted(kept, key=lambda row: (row["source"], row["time"], row.get("left") or 0))


def copies(folder: Path, clip: Path, count: int) -> None:
    """``count`` copies of ``clip``."""
    folder.mkdir()
    for n in range(count):
        shutil.copy(clip, folder / f"clip{n:03}.mp4")


__all__ = ["FRAMES", "LABELS", "SECONDS", "Here", "copies", "rows", "scan", "write_archive"]
