"""What is compared: the h5 in two ways, and every TFLite variant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convert.variants import DEPLOYED, NAMES, variant_path

TFLITE = "tflite"
PREDICT = "predict"
COMPILED = "compiled"


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table: ``name`` for people, ``kind`` (how it is called), and its file."""

    name: str
    kind: str
    path: Path

    @property
    def deployed(self) -> bool:
        """Whether it is the file that the runtime uses."""
        return self.kind == TFLITE and self.name == DEPLOYED


def subjects(h5: Path) -> list[Subject]:
    """Return all rows for the model at ``h5``, whether their files are there or not."""
    return [
        Subject("h5, predict", PREDICT, h5),
        Subject("h5, compiled", COMPILED, h5),
        *(Subject(variant, TFLITE, variant_path(h5, variant)) for variant in NAMES),
    ]
