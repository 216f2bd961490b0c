"""What is compared, and that a file belongs to the h5 beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.candidates import (
    DEPLOYED_FILE,
    DEPLOYED_MODEL,
    Candidate,
    candidates,
    check_origin,
    shipped_models,
)
from benchmarks.errors import BenchmarkError
from benchmarks.keras_classifier import COMPILED, PREDICT
from edge.errors import ContractError, ModelFileError


def test_a_model_has_two_ways_through_its_h5_and_four_files() -> None:
    found = candidates([DEPLOYED_MODEL])
    assert [each.variant for each in found] == [
        *(PREDICT, COMPILED),
        *("float32", "float16", "dynamic", "int8"),
    ]
    assert [each.path.suffix for each in found] == [".h5"] * 2 + [".tflite"] * 4
    assert [each.name for each in found if each.deployed] == ["Finalmodel int8"]
    assert found[-1].path == DEPLOYED_FILE


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="expected different names"):
        candidates([Path("a/x.h5"), Path("b/x.h5")])


def test_the_shipped_models_are_the_compared_ones() -> None:
    assert [h5.stem for h5 in shipped_models()] == ["seed", "fer2013", "Finalmodel"]


def test_a_file_of_another_training_is_refused(repository: Path, tmp_path: Path) -> None:
    h5 = tmp_path / DEPLOYED_MODEL.name
    shutil.copy(repository / DEPLOYED_FILE, tmp_path)
    assert check_origin(Candidate(h5, "int8")).labels  # with no h5 there is nothing to compare
    h5.write_bytes(b"another")
    with pytest.raises(ContractError, match="one of another training"):
        check_origin(Candidate(h5, "int8"))
    assert check_origin(Candidate(h5, PREDICT)) is None


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="expected a model, found none"):
        check_origin(Candidate(tmp_path / "x.h5", COMPILED))
    with pytest.raises(ModelFileError, match="no such file"):
        check_origin(Candidate(tmp_path / "x.h5", "int8"))
