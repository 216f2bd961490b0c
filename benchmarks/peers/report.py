"""The comparison with the public alternatives as one JSON and as a table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import ResultsError
from benchmarks.memory import demo
from benchmarks.peers.measure import Effort, Faces, measure
from benchmarks.peers.registry import OURS, Peer
from benchmarks.results import digests, measured, read_file
from benchmarks.shapes import PEERS
from edge.files import write_text
from train import provenance
from train.data import copies_in_train, load_split
from train.metrics import voted_labels
from train.tables import markdown

NAME = "peers.json"
VERSION = 2
COMMAND = "make bench-peers"
_DEMO_FRAMES = 60
_NONE = "–"
_PARTS = {"frame_ms": "times", "accuracy": "accuracy"}
"""What a row may lack, and its name in a message."""
_COLUMNS = (
    *("", "ms a frame, p50 / p95", "frames a second", "ours against it, one by one / of a file"),
    "face found",
    *("start, s", "memory, MB", "disk, MB", "top-1", "without copies", "FER+ top-1", "macro-F1"),
)


def compare(
    peers: Sequence[Peer], faces: Faces | None, effort: Effort, frames: int = _DEMO_FRAMES
) -> dict[str, Any]:
    """Measure ours and ``peers`` on ``frames`` frames of the demo with one face, ready for JSON."""
    images = demo(1, frames)
    height, width = images[0].shape[:2]
    return {
        "version": VERSION,
        **provenance.origin(),
        "models": digests({Path(peer.arguments[0]) for peer in OURS}),
        "effort": dataclasses.asdict(effort),
        "frames": {"different": frames, "width": width, "height": height, "faces": 1},
        "rows": measure((*OURS, *peers), images, faces, effort, _say),
    }


def validation_faces(images: Path) -> Faces:
    """Read the validation split below ``images``; raises ``DatasetError`` and ``VotesError``."""
    validation = load_split(images, "validation")
    copies = copies_in_train(validation, load_split(images, "train"))
    voted = voted_labels(validation.images)
    return Faces(validation.images[..., 0], validation.labels, voted, copies)


def shortcoming(folder: Path, result: Mapping[str, Any]) -> str | None:
    """Say why ``result`` is not to replace the one in ``folder``, None where it may.

    That one is kept where it is of the same models of ours, and the ``result`` has fewer rounds, or
    lacks a row's times or accuracy that it has.
    """
    try:
        old = read(folder)
    except ResultsError:
        return None
    if old["models"] != result["models"]:
        return None
    rounds, before = (each["effort"]["rounds"] for each in (result, old))
    if rounds < before:
        return f"has {rounds} rounds where that has {before}"
    known = {(row["name"], part) for row in result["rows"] for part in _PARTS if row[part]}
    lacking = [
        f"the {_PARTS[part]} of {row['name']}"
        for row in old["rows"]
        for part in _PARTS
        if row[part] and (row["name"], part) not in known
    ]
    return f"lacks {', '.join(lacking)}" if lacking else None


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Write the result to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(result, indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """Read the result in ``folder``; raises ``ResultsError``."""
    return read_file(folder / NAME, VERSION, COMMAND, PEERS)


def failures(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each peer that could not be measured, or not wholly."""
    return [f"{row['name']}: {row['error']}" for row in result["rows"] if row["error"]]


def table(result: Mapping[str, Any]) -> str:
    """Return the comparison as Markdown, with what it was measured on."""
    own = {row["name"]: row["fps"] for row in result["rows"]}
    ours = [own[peer.name] for peer in OURS[:2] if peer.name in own]
    frames, effort = result["frames"], result["effort"]
    rows = [_row(row, ours) for row in result["rows"]]
    note = (
        f"The same {frames['width']}×{frames['height']} frames in memory with one face for each, "
        f"in {effort['rounds']} turns of {effort['seconds']:g} s; ours with one thread for each "
        "network, of a file's frames several at work on as many cores, the others with as many "
        "threads as they choose where it isn't said. Start is from the start of the process to "
        f"its first result, the median of {effort['starts']}; memory is the most that a process "
        "with that package alone had resident; the last four columns are its classifier on the "
        "48×48 images of `images/validation`, by the package's own preprocessing. Without copies "
        "means without those that are in our training split too; what the others were trained on "
        "isn't known, and may hold any of these images."
    )
    parts = [markdown(_COLUMNS, rows), f"{note} {measured(result, COMMAND)}."]
    missing = [f"Not measured, or not wholly: {line}" for line in failures(result)]
    return "\n\n".join((*parts, *missing))


def _row(row: Mapping[str, Any], ours: Sequence[float | None]) -> tuple[str, ...]:
    times, fps, accuracy = row["frame_ms"], row["fps"], row["accuracy"] or {}
    return (
        f"{row['name']} {row['version']}".strip(),
        _shown_times(times),
        _shown(fps, "{:.1f}"),
        " / ".join(_shown(each / fps if each and fps else None, "{:.1f} ×") for each in ours),
        _shown(row["found"], "{:.0%}"),
        _shown(row["start_s"], "{:.1f}"),
        _shown(row["memory_mb"], "{:.0f}"),
        _shown(row["environment_mb"], "{:.0f}"),
        _shown(accuracy.get("top1"), "{:.1%}"),
        _shown(accuracy.get("top1_without_copies"), "{:.1%}"),
        _shown(accuracy.get("votes", {}).get("top1"), "{:.1%}"),
        _shown(accuracy.get("macro_f1"), "{:.3f}"),
    )


def _shown_times(times: Mapping[str, Any] | None) -> str:
    return " / ".join(_shown(times[p], "{:.1f}") for p in ("p50", "p95")) if times else _NONE


def _shown(value: float | None, form: str) -> str:
    return _NONE if value is None else form.format(value)


def _say(line: str) -> None:
    print(line, flush=True)
