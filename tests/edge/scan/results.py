"""Made-up results of a scan, in the format of real ones."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from PIL import Image

from edge.sinks.table import second_table

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
Row = Mapping[str, Any]


def write_scan(results: Path, labels: Sequence[str] = LABELS, **more: Any) -> None:
    """Write ``scan.json``."""
    results.mkdir(parents=True, exist_ok=True)
    scan = {
        "format": "expressions-scan-1",
        "version": "1.2.3",
        "model": "5f" * 32,
        "labels": labels,
        "sources": ["archive"],
        "settings": {"every": 0.5, "per": "frame", "thumbnails": True},
    }
    (results / "scan.json").write_text(json.dumps(scan | more))


def write_failures(results: Path, failures: Iterable[tuple[str, str]]) -> None:
    """Write ``failures.csv``."""
    with (results / "failures.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "reason"), *failures])


def seen(time: float, label: str, frames: int = 2, certain: float = 1, track: Any = 1) -> Row:
    """A row of a second that shows a face."""
    row = {"time": time, "track": track, "frames": frames, "label": label, "shown": label}
    return row | {"certain_share": certain, "certain": certain >= 0.5, "score": 0.8}


def unseen(time: float) -> Row:
    """A row of a second without a face."""
    return {"time": time, "frames": 0}


def moment(label: str, time: float = 0, score: float = 0.9, **more: Any) -> dict[str, Any]:
    return {
        "label": label,
        "time": time,
        "score": score,
        "track": 1,
        "box": [10.0, 10.0, 90.0, 90.0],
    } | more


def thumbnail(colour: str = "teal", size: int = 96) -> str:
    file = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


def write_video(
    results: Path,
    source: str,
    rows: Sequence[Row],
    length: float,
    labels: Sequence[str] = LABELS,
    /,
    **more: Any,
) -> Path:
    """Write the part of a video of which every second has two frames."""
    tracks = {row["track"] for row in rows if row["frames"]}
    manifest = {
        "kind": "video",
        "width": 1280,
        "height": 720,
        "fps": 25.0,
        "length": length,
        "frames": round(length * 2),
        "people": len(tracks),
    }
    return _write_part(results, source, rows, labels, manifest | more)


def write_picture(
    results: Path, source: str, rows: Sequence[Row], labels: Sequence[str] = LABELS, /, **more: Any
) -> Path:
    """Write the part of a photograph."""
    people = sum(row["frames"] for row in rows)
    manifest = {"kind": "picture", "width": 640, "height": 480, "fps": 0.0, "length": 0.0}
    manifest |= {"frames": 1, "people": people}
    return _write_part(results, source, rows, labels, manifest | more)


def _write_part(
    results: Path, source: str, rows: Sequence[Row], labels: Sequence[str], more: Row
) -> Path:
    folder = results / "seconds"
    folder.mkdir(parents=True, exist_ok=True)
    part = f"part-{len(list(folder.iterdir())):012x}"
    manifest = {
        "source": source,
        "path": source,
        "part": part,
        "fingerprint": [1, 2],
        "faces": sum(row["frames"] for row in rows),
        "damaged": "",
        "undecodable": 0,
        "took": 1.5,
        "moments": [],
    }
    table = pyarrow.table(
        {
            name: [row.get(name, source if name == "source" else None) for row in rows]
            for name in second_table(labels).columns
        },
        _schema(labels).with_metadata({"expressions": json.dumps(manifest | more)}),
    )
    path = folder / f"{part}.parquet"
    pyarrow.parquet.write_table(table, path)
    return path


def _schema(labels: Sequence[str]) -> Any:
    types = {
        str: pyarrow.string(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        bool: pyarrow.bool_(),
    }
    kinds = second_table(labels).columns
    time = pyarrow.timestamp("ms", "UTC")
    return pyarrow.schema([(name, types.get(kind, time)) for name, kind in kinds.items()])


def lively(seconds: int, labels: Sequence[str] = LABELS, seed: int = 0) -> list[Row]:
    """Rows of a video of some people who come, feel and go."""
    chance = random.Random(seed)
    rows: list[Row] = []
    people: dict[int, str] = {}
    mood = [chance.uniform(0.1, 1) ** 3 for _ in labels]
    following = 1
    for second in range(seconds):
        if chance.random() < 0.03 and len(people) < 6:
            people[following] = chance.choices(labels, mood)[0]
            following += 1
        if people and chance.random() < 0.02 * len(people):
            del people[chance.choice(list(people))]
        for track in list(people):
            if chance.random() < 0.1:
                people[track] = chance.choices(labels, mood)[0]
            certain = chance.choice((0.0, 0.5, 1.0, 1.0, 1.0, 1.0))
            rows.append(seen(second, people[track], chance.choice((1, 2, 2)), certain, track))
        if not people:
            rows.append(unseen(second))
    return rows
