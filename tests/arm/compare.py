"""What two runs of the same pictures have found, compared face by face."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.types import Box

PROBABILITY_LIMIT = 0.02
"""How far a probability may be from the other run's, absolute."""
OVERLAP_LIMIT = 0.9
"""Intersection over union that two boxes of the same face have at the least."""

Record = Mapping[str, Any]
"""A line of ``.jsonl``: see ``edge.types.FrameResult.to_dict``."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the ``found`` records differ from the reference.

    ``labels`` counts the faces of the reference by label; ``probability_difference`` is the
    greatest of all faces and labels, absolute; ``overlap`` the smallest of all faces. ``problems``
    says what is not as it should be, a line each.
    """

    frames: int
    faces: int
    labels: Mapping[str, int]
    probability_difference: float
    overlap: float
    problems: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return it for JSON, without the problems."""
        facts = asdict(self)
        del facts["problems"]
        return facts


def read(text: str) -> list[Record]:
    """Return the records of a ``.jsonl``."""
    return [json.loads(line) for line in text.splitlines()]


def compare(reference: Sequence[Record], found: Sequence[Record]) -> Comparison:
    """Compare frame by frame; a face is the one of the other run that overlaps most with it."""
    problems = []
    if len(reference) != len(found):
        problems.append(f"expected {len(reference)} frames, found {len(found)}")
    pairs = []
    for before, now in zip(reference, found, strict=False):
        if len(before["faces"]) != len(now["faces"]):
            problems.append(
                f"frame {before['frame']}: expected {len(before['faces'])} faces, "
                f"found {len(now['faces'])}"
            )
        elif before["faces"]:
            pairs += [
                (before["frame"], face, _same(face, now["faces"])) for face in before["faces"]
            ]
    if not pairs:
        problems.append("expected faces to compare, found none")
    for frame, face, other in pairs:
        problems += [f"frame {frame}: {problem}" for problem in _problems(face, other)]
    return Comparison(
        frames=len(reference),
        faces=len(pairs),
        labels=dict(sorted(Counter(_shown(face)["label"] for _, face, _ in pairs).items())),
        probability_difference=max((_difference(a, b) for _, a, b in pairs), default=0.0),
        overlap=min((_overlap(a, b) for _, a, b in pairs), default=1.0),
        problems=tuple(problems),
    )


def _shown(face: Record) -> Record:
    """What a screen shows: of a tracked face the smoothed expression."""
    shown: Record = face.get("smoothed", face)
    return shown


def _problems(face: Record, other: Record) -> list[str]:
    problems = []
    expected, found = _shown(face)["label"], _shown(other)["label"]
    if expected != found:
        problems.append(f"expected {expected}, found {found}")
    if (difference := _difference(face, other)) > PROBABILITY_LIMIT:
        problems.append(f"expected probabilities within {PROBABILITY_LIMIT}, found {difference}")
    if (overlap := _overlap(face, other)) < OVERLAP_LIMIT:
        problems.append(f"expected boxes that overlap by {OVERLAP_LIMIT}, found {overlap}")
    return problems


def _same(face: Record, others: Sequence[Record]) -> Record:
    return max(others, key=lambda other: _overlap(face, other))


def _overlap(face: Record, other: Record) -> float:
    return round(Box(*face["box"]).iou(Box(*other["box"])), 4)


def _difference(face: Record, other: Record) -> float:
    """The greatest difference of a probability; one that the other run lacks counts as 0."""
    one, two = _shown(face)["probabilities"], _shown(other)["probabilities"]
    greatest = max(abs(one.get(label, 0.0) - two.get(label, 0.0)) for label in one | two)
    return round(float(greatest), 4)
