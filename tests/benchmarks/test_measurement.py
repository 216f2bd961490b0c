"""What a part of the measurement lacks is said, and stops no other."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import detector_worker, faces, loop, measurement
from benchmarks.__main__ import failures
from benchmarks.errors import without_places
from benchmarks.latency import Effort
from benchmarks.reference import CALLS
from benchmarks.shapes import BENCH, problem
from benchmarks.subjects import subjects
from benchmarks.turns import BLOCK
from edge.assembly import open_crew
from edge.detectors.blazeface import BlazeFace
from edge.device import Device
from edge.settings import Settings
from tests.benchmarks.device import LOOP, result
from tests.conftest import synthetic_split

EFFORT = Effort(rounds=2, calls=2, frames=2)
NONE = Path("none")


@pytest.fixture(scope="module")
def model(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 file without its h5 and the other variants."""
    path = tmp_path_factory.mktemp("models") / "m.tflite"
    shutil.copy(repository / "models" / "Finalmodel.tflite", path)
    return path


def test_without_data_and_with_one_file_of_six_the_rest_is_measured(
    model: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    found, samples = measurement.measure(
        subjects([model.with_suffix(".h5")]),
        tmp_path / "images",
        measurement.Loop(Path.cwd() / "none.tflite", Path(sys.executable), NONE),
        EFFORT,
        Device(root=tmp_path),
        said.append,
    )
    assert [text.partition(":")[0] for text in said] == ["accuracy left out", "loop left out"]
    assert "make data" in said[0]
    assert "none.tflite" in said[1]
    (left_out,) = found["left_out"]  # to have no data is no failure
    assert left_out == said[1].replace(f"{Path.cwd()}/", ""), "said here, and kept for others"
    assert str(Path.cwd()) not in left_out
    assert found["faces"] == faces.PORTRAITS
    assert found["loop"] is None
    assert found["void"] is None
    errors = [bool(row["error"]) for row in found["subjects"]]
    assert errors == [True] * 5 + [False]
    measured = found["subjects"][-1]["runs"][0]
    assert measured["face_ms"]["p50"] > 0
    assert problem(found | {"samples_sha256": ""}, BENCH) is None, "it is read again"
    names = {line["subject"] for line in samples if not line["error"]}
    assert names == {"m int8"}
    json.dumps([found, samples])


def test_a_damaged_data_set_is_a_failure_and_the_rest_is_measured(
    images_folder: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(images_folder, images)
    next((images / "validation").rglob("*.png")).write_bytes(b"junk")
    said: list[str] = []
    found, _ = measurement.measure(
        subjects([tmp_path / "m.h5"]),
        images,
        measurement.Loop(tmp_path / "none.tflite", Path(sys.executable), NONE),
        EFFORT,
        Device(root=tmp_path),
        said.append,
    )
    assert "not an image" in said[0]
    assert found["left_out"] == said
    assert failures(found) == 1


def test_without_an_edge_python_only_what_needs_it_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    assert loop.of_a_run(tmp_path / "python", 0.0, said.append) == (None, [])
    assert said[0].startswith("start, memory and size of a run left out: ")
    assert "make run-edge" in said[0]
    assert problem(result(loop=LOOP | {"footprint": None}), BENCH) is None


def test_faces_are_those_of_the_data_set_where_it_is(images_folder: Path, tmp_path: Path) -> None:
    found, origin = faces.real_faces(images_folder)
    known = {image.tobytes() for image in synthetic_split("validation", 5, 1).images}
    assert {image.tobytes() for image in found} == known
    assert origin == faces.DATA_SET
    portraits, origin = faces.real_faces(tmp_path)
    assert origin == faces.PORTRAITS
    assert (portraits.shape[1:], portraits.dtype) == ((48, 48, 1), np.uint8)
    assert len(portraits) > 200
    assert portraits.std() > 20


def test_a_detector_in_the_loop_block_by_block(model: Path) -> None:
    crew = open_crew(model.read_bytes(), model.name, Settings())
    rows = detector_worker.measure(BlazeFace(), crew, (1, 3), 2)
    assert [(row["faces"], row["found"]) for row in rows] == [(1, 1), (3, 3)]
    for row in rows:
        assert [len(block) for block in row["frame_ms"]] == [BLOCK] * 2
        assert [len(block) for block in row["reference_ms"]] == [CALLS] * 2
        assert set(row["stage_ms"]) == {"detect", "crop", "classify", "track"}


def test_a_detector_has_a_process_and_figures_of_its_own(model: Path) -> None:
    rows, samples = loop.detector("blazeface", model, Path(sys.executable), 2)
    assert [(row["detector"], row["faces"], row["error"]) for row in rows] == [
        *(("blazeface", 1, None), ("blazeface", 3, None))
    ]
    assert rows[0]["frame_ms"]["p50"] > rows[0]["stage_ms"]["detect"]["p50"] > 0
    assert samples[1]["subject"] == "blazeface, 3 faces"


def test_a_detector_that_is_not_installed_says_what_to_run(model: Path, tmp_path: Path) -> None:
    (row,), samples = loop.detector("mediapipe", model, tmp_path / "python", 2)
    assert "make run-edge DETECTOR=mediapipe" in row["error"]
    assert samples == []
    (row,), _ = loop.detector("mediapipe", model, Path.cwd() / "none" / "python", 2)
    assert "found no none/python (No such file or directory)" in row["error"]
    (row,), _ = loop.detector("blazeface", tmp_path / "none.tflite", Path(sys.executable), 2)
    assert "none.tflite" in row["error"]


def test_where_the_python_of_this_run_lies_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert without_places(f"{sys.executable}: expected") == f"{Path(sys.executable).name}: expected"


@pytest.mark.parametrize(
    ("worker", "limit", "said"),
    [
        ("import no_such_package", 60, "No module named 'no_such_package'; run 'make run-edge"),
        ("import time; time.sleep(60)", 0.5, "within 0.5 s"),
        ("print('hello')", 60, "mediapipe: expected an answer of its process"),
    ],
)
def test_a_detector_whose_process_ends_or_hangs_says_why(
    model: Path, worker: str, limit: float, said: str
) -> None:
    python = Path(sys.executable)
    (row,), samples = loop.detector("mediapipe", model, python, 2, ("-c", worker), limit)
    assert said in row["error"]
    assert samples == []
