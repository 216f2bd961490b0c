"""All parts of a bench together, and what one of them lacks."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench
from benchmarks.bench import Plan
from benchmarks.candidates import DEPLOYED_FILE, DEPLOYED_MODEL, Candidate
from benchmarks.keras_classifier import PREDICT
from benchmarks.results import Bench
from edge.device import Device
from edge.types import STAGES


def test_faces_are_validation_images_or_those_of_the_demo(
    repository: Path, images_folder: Path, tmp_path: Path
) -> None:
    model = repository / DEPLOYED_FILE
    found = bench.faces_of(images_folder, model)
    assert (found.shape, found.dtype) == ((256, 48, 48, 1), np.uint8)
    cut = bench.faces_of(tmp_path, model)
    assert cut.shape[1:] == (48, 48, 1)
    assert len(cut) > 250
    assert cut.std() > 20


def test_what_can_not_be_measured_says_why(repository: Path, tmp_path: Path) -> None:
    shutil.copy(repository / DEPLOYED_FILE, tmp_path)
    (tmp_path / "Finalmodel_float16.tflite").write_bytes(b"damaged")
    h5 = tmp_path / DEPLOYED_MODEL.name
    good, damaged, missing = (Candidate(h5, name) for name in ("int8", "float16", "float32"))
    contracts, errors = bench.checked([good, damaged, missing])
    assert list(contracts) == [good]
    assert list(errors) == [damaged, missing]
    assert "no such file" in errors[missing]


@pytest.fixture(scope="module")
def measured(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The deployed file in two rounds, as on a device: no Keras, no images."""
    h5 = repository / DEPLOYED_MODEL
    chosen = [Candidate(h5, PREDICT), Candidate(h5, "int8")]
    images = tmp_path_factory.mktemp("none")
    plan = Plan(chosen, images, repository / DEPLOYED_FILE, Path(sys.executable), None, 2)
    result, samples = bench.measure(plan, Device())
    assert {each.name for each in samples} >= {"Finalmodel int8", "loop, faces: 5", "start"}
    assert all(len(each.reference) in (2, 4) for each in samples)
    return result


@pytest.mark.slow
def test_a_device_without_keras_and_images_measures_the_rest(measured: Bench) -> None:
    assert [row.name for row in measured.rows] == ["Finalmodel int8"]
    (row,) = measured.rows
    assert (row.error, row.accuracy) == (None, None)
    assert row.multiply_accumulates
    assert row.at(1).count == 100
    assert measured.notes[0] == "the h5: Keras is not installed here"
    assert measured.notes[1].startswith("accuracy: ")
    assert measured.models == {"Finalmodel.tflite": row.sha256}


@pytest.mark.slow
def test_whole_frames_are_measured_by_the_number_of_faces(measured: Bench) -> None:
    stages = measured.loop.stages
    assert [row.faces for row in stages] == [row.found for row in stages] == [0, 1, 3, 5]
    for row in stages:
        assert row.over_networks > 0.9
        assert set(row.stages) == set(STAGES)
        assert row.frame.p50.value > row.stages["detect"].p50.value > 0
    assert {row.faces for row in measured.loop.throughput} == {0, 1, 3, 5}
    assert [row.rate for row in measured.loop.camera] == [15, 30, 60]


@pytest.mark.slow
def test_a_run_is_started_and_its_memory_is_taken(measured: Bench) -> None:
    assert measured.footprint.start.count == 2
    assert measured.footprint.start.p50.value > 50
    assert measured.footprint.environment_mb > 100
