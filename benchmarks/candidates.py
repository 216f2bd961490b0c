"""What is compared: the h5 of every model in two ways, and all its TFLite variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.keras_classifier import H5
from convert.variants import DEPLOYED, NAMES, variant_path
from edge.contract import ModelContract, extract
from edge.errors import ContractError
from edge.vision.interpreter import read_model_file
from train import provenance, recipes

DEPLOYED_MODEL = recipes.model_path(recipes.DEPLOYED)
DEPLOYED_FILE = variant_path(DEPLOYED_MODEL, DEPLOYED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row: the ``h5`` it comes from and its ``variant``, one of ``H5`` or of convert's."""

    h5: Path
    variant: str

    @property
    def path(self) -> Path:
        """Its own file."""
        return self.h5 if self.is_h5 else variant_path(self.h5, self.variant)

    @property
    def name(self) -> str:
        """The model and the variant, for people."""
        return f"{self.h5.stem} {self.variant}"

    @property
    def is_h5(self) -> bool:
        """Whether TensorFlow runs it."""
        return self.variant in H5

    @property
    def deployed(self) -> bool:
        """Whether it is the file that the runtime uses."""
        return self.path == DEPLOYED_FILE


def shipped_models() -> list[Path]:
    """Return the h5 paths of the compared recipes of which a file is there."""
    known = [recipes.model_path(name) for name in recipes.COMPARED]
    return [h5 for h5 in known if any(each.path.is_file() for each in candidates([h5]))]


def candidates(models: Sequence[Path]) -> list[Candidate]:
    """Return all rows for the ``models`` (h5 paths); raises ``BenchmarkError`` for equal names."""
    if len({h5.stem for h5 in models}) < len(models):
        raise BenchmarkError(
            f"models: expected different names, found {', '.join(map(str, models))}; rename one"
        )
    return [Candidate(h5, variant) for h5 in models for variant in (*H5, *NAMES)]


def check_origin(candidate: Candidate) -> ModelContract | None:
    """Return the contract of a TFLite file, of an h5 None.

    Raises ``ContractError`` where the file was converted from another training than that of the h5
    beside it, ``EdgeError`` and ``BenchmarkError`` where it can't be read.
    """
    h5 = candidate.h5
    if candidate.is_h5:
        if not h5.is_file():
            raise BenchmarkError(f"{h5}: expected a model, found none; run 'make train'")
        return None
    contract = extract(read_model_file(candidate.path))
    if h5.is_file() and contract.provenance.get("h5_sha256") != provenance.digest(h5):
        raise ContractError(
            f"{candidate.path.name}: expected a file converted from the h5 beside it, found one of "
            "another training; run 'make convert'"
        )
    return contract
