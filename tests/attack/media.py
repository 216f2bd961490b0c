"""What the attacked runs read, and whether what they wrote is whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from tests.edge.sources.media import moving, write_video


def write_inputs(folder: Path, pictures: int = 120, count: int = 1000) -> None:
    """Write a video of ``count`` frames, ``video.mp4``, and photographs in ``pictures``."""
    write_video(folder / "video.mp4", moving(count, 160, 96))
    (folder / "pictures").mkdir()
    for number in range(pictures):
        Image.new("RGB", (160, 96), (number, 90, 90)).save(folder / f"pictures/{number}.jpg")


def torn(path: Path) -> str:
    """Say what is not whole in an output, "" where all is."""
    try:
        _READERS.get(path.suffix, _nothing)(path)
    except (OSError, ValueError, KeyError, SyntaxError, av.FFmpegError) as error:
        return f"{path.name} is not whole: {ascii(error)[:120]}"
    return ""


def torn_files(folder: Path) -> Iterator[str]:
    """Yield what is not whole of the outputs in ``folder``; what has a hidden name is none."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and (problem := torn(path)):
            yield problem


def frames(path: Path) -> int:
    """Return how many frames a video plays; raises ``FFmpegError``."""
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


def records(path: Path) -> int:
    """Return how many lines of JSON a file has; raises ``ValueError`` where one is torn."""
    return sum(1 for line in _lines(path) if json.loads(line))


def _lines(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise ValueError("its last line is torn")
    return content.splitlines()


def _table(path: Path) -> None:
    rows = list(csv.reader(line.decode() for line in _lines(path)))
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows differ in length")


def _video(path: Path) -> None:
    frames(path)


def _records(path: Path) -> None:
    records(path)


def _picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _parquet(path: Path) -> None:
    import pyarrow.parquet

    try:
        pyarrow.parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise ValueError(str(error)) from error


def _nothing(_: Path) -> None:
    """Anything else is no output of a run."""


_READERS = {
    ".jsonl": _records,
    ".csv": _table,
    ".parquet": _parquet,
    **dict.fromkeys((".mp4", ".mkv", ".webm"), _video),
    **dict.fromkeys((".jpg", ".png"), _picture),
}
