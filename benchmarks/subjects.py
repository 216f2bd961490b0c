"""What is compared: the h5 of every model in two ways, and all its TFLite variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from convert.variants import DEPLOYED, NAMES, variant_path
from train.recipes import COMPARED, model_path
from train.recipes import DEPLOYED as DEPLOYED_RECIPE

TFLITE = "tflite"
PREDICT = "predict"
COMPILED = "compiled"
_SEED = "seed"


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table: the ``h5`` it comes from, its variant, how it is called, its file."""

    h5: Path
    variant: str
    kind: str
    path: Path

    @property
    def name(self) -> str:
        """What people call it: the model and the variant."""
        return f"{self.h5.stem} {self.variant}"

    @property
    def deployed(self) -> bool:
        """Whether it is the file that the runtime uses."""
        model = self.h5 == model_path(DEPLOYED_RECIPE)
        return model and self.kind == TFLITE and self.variant == DEPLOYED

    @property
    def yardstick(self) -> bool:
        """Whether times are given as a part of its time, which differs less between machines."""
        return self.h5.stem == model_path(_SEED).stem and self.variant == "float32"


def shipped_models() -> list[Path]:
    """The h5 paths of the compared recipes of which a file is there, the h5 itself or a variant."""
    known = [model_path(name) for name in COMPARED]
    return [h5 for h5 in known if any(subject.path.is_file() for subject in subjects([h5]))]


def subjects(models: Sequence[Path]) -> list[Subject]:
    """Return all rows for the ``models`` (h5 files), whether their files are there or not.

    Raises ``BenchmarkError`` where two have the same name.
    """
    if len({h5.stem for h5 in models}) < len(models):
        raise BenchmarkError(
            f"models: expected different names, found {', '.join(map(str, models))}; rename one"
        )
    return [
        subject
        for h5 in models
        for subject in (
            Subject(h5, "h5, predict", PREDICT, h5),
            Subject(h5, "h5, compiled", COMPILED, h5),
            *(Subject(h5, name, TFLITE, variant_path(h5, name)) for name in NAMES),
        )
    ]
