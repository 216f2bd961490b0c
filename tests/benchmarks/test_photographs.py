"""Photographs whose expressions are plain to see, and two that the demo has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import photographs, robustness, stats
from benchmarks.candidates import DEPLOYED_MODEL, Candidate
from benchmarks.certainty import SHARES, TOP, certainty
from benchmarks.errors import BenchmarkError, PhotographsError
from benchmarks.photographs import Mistake, Photographs
from convert.variants import DEPLOYED
from edge.contract import ModelContract
from edge.protocols import Detector
from edge.sources.demo import load_portraits
from edge.types import Box, Face, Floats, Image
from edge.vision.blazeface import BlazeFace
from edge.vision.search import FaceSearch, SearchOptions, find_faces
from tests.benchmarks.photos import (
    BOXED,
    FRAMING,
    HEADER,
    as_archive,
    as_folder,
    bars,
    png,
    table,
)
from tests.benchmarks.samples import Bars
from train.data import Split
from train.layout import EXPRESSIONS

H5 = Path("bars.h5")
FEW = ("angry", "happy")


class Blind:
    """Finds the faces that it is given, by default none."""

    name, framing, min_score, input_px, least_px = "blind", "blazeface", 0.5, 128, 0

    def __init__(self, *faces: Face) -> None:
        self._faces = faces

    def detect(self, image: Image) -> Sequence[Face]:
        del image
        return self._faces


class Known(Bars):
    """Knows the bars, and remembers what it was asked."""

    labels = EXPRESSIONS
    contract = ModelContract(
        EXPRESSIONS, 48, 48, 1, framings={"blazeface": FRAMING}, uncertain_below=0.5
    )

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def classify(self, crops: np.ndarray) -> Floats:
        self.asked.append(crops)
        return super().classify(crops)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A model of which the file alone is there, to be hashed."""
    monkeypatch.chdir(tmp_path)
    Candidate(H5, DEPLOYED).path.write_bytes(b"a model")
    return [H5]


def evaluate(
    path: Path,
    models: Sequence[Path],
    classes: Sequence[str] = (),
    detector: Detector | None = None,
    classifier: Known | None = None,
) -> Photographs:
    known = classifier or Known()
    return photographs.evaluate(path, models, classes, detector or Blind(), lambda _: known)


def test_faces_are_cut_out_as_the_contract_says(
    tmp_path: Path, models: list[Path], validation_split: Split
) -> None:
    path = as_archive(tmp_path / "faces.zip", bars(validation_split, EXPRESSIONS))
    known = Known()
    found = evaluate(path, models, EXPRESSIONS, classifier=known)
    tight, _, exact, _, mirrored = known.asked[:5]
    assert np.abs(exact.astype(int) - validation_split.images).max() <= 1
    assert np.array_equal(mirrored, exact[:, :, ::-1])
    tighter = robustness.reframed(validation_split.images, 0.85)
    assert np.abs(tight.astype(int) - tighter).max() <= 1
    own = found.results["bars"]
    assert own.alone.top1.value == own.alone.macro_recall.value == own.mirrored.top1.value == 1
    assert [each.scale for each in own.scales] == list(photographs.SCALES)
    assert own.scales[2] == photographs.Scaled(1.0, 1.0, 1.0)
    assert own.confusion == (5 * np.eye(7, dtype=int)).tolist()
    assert (found.name, found.boxes_given, found.counted) == ("faces.zip", True, 35)
    assert found.faces == dict.fromkeys(EXPRESSIONS, 5)
    assert found.not_found == dict.fromkeys(EXPRESSIONS, 0)
    assert list(found.models) == ["bars.tflite"]
    assert (found.deployed, found.mistakes) == ("bars", [])


def test_only_the_labels_that_count_are_in_the_totals(
    tmp_path: Path, models: list[Path], validation_split: Split
) -> None:
    """One class in two carries the label of another one."""
    wrong = ("happy", *EXPRESSIONS[1:])
    path = as_folder(tmp_path / "faces", bars(validation_split, wrong))
    own = (found := evaluate(path, models, ("happy", "sad"))).results["bars"]
    assert found.classes == ["happy", "sad"]
    assert found.counted == 15
    assert own.alone.top1.value == pytest.approx(10 / 15, abs=1e-5)
    assert own.alone.macro_recall.value == pytest.approx((0.5 + 1) / 2, abs=1e-5)
    assert own.alone.recall["surprise"].value == 1
    assert "angry" not in own.alone.recall
    assert own.confusion[EXPRESSIONS.index("happy")][EXPRESSIONS.index("angry")] == 5
    assert own.certainty.accuracy_certain == pytest.approx(10 / 15, abs=1e-5)
    assert found.mistakes == [Mistake(f"{n}.png", "happy", "angry", 0.7429) for n in range(5)]
    assert photographs.mistakes_by_label(found) == [("happy", "angry", 5)]
    others = evaluate(path, models, ("sad",))
    assert others.mistakes == []


def test_labels_of_fifty_faces_count_by_themselves(
    tmp_path: Path, models: list[Path], validation_split: Split
) -> None:
    files = bars(validation_split, EXPRESSIONS)
    header, *rows = files["set.csv"].decode().split()
    many = rows + 9 * [row for row in rows if row.split(",")[1] in FEW]
    path = as_folder(tmp_path / "faces", files | {"set.csv": table(header, many)})
    found = evaluate(path, models)
    assert found.classes == list(FEW)
    assert found.counted == 100
    fewer = as_folder(tmp_path / "fewer", files)
    with pytest.raises(
        PhotographsError, match="expected 50 faces of a label at least, found angry"
    ):
        evaluate(fewer, models)
    with pytest.raises(PhotographsError, match="expected faces of joy, found angry 5"):
        evaluate(fewer, models, ("joy", "sad"))


def test_labels_of_others_are_named(tmp_path: Path, models: list[Path]) -> None:
    rows = table(HEADER, ["a.png,joy", "a.png,Happy", "a.png,happy", "a.png,"])
    path = as_folder(tmp_path / "faces", {"set.csv": rows})
    with pytest.raises(PhotographsError, match="found '', 'Happy', 'joy'; rename them"):
        evaluate(path, models)


def test_without_models_or_faces_there_is_nothing_to_measure(
    tmp_path: Path, models: list[Path]
) -> None:
    files = {"a.png": png(np.zeros((64, 64, 3), np.uint8)), "set.csv": table(HEADER, ["a.png,sad"])}
    path = as_folder(tmp_path / "faces", files)
    with pytest.raises(PhotographsError, match="expected faces, found none in 1 pictures"):
        evaluate(path, models)
    with pytest.raises(BenchmarkError, match="models: expected one at least"):
        evaluate(path, [])


def test_without_boxes_the_largest_face_counts(
    tmp_path: Path, models: list[Path], validation_split: Split
) -> None:
    files = bars(validation_split, EXPRESSIONS)
    rows = [row.split(",") for row in files["set.csv"].decode().split()[1:]]
    large = Box(*map(float, rows[0][2:]))
    small = Box(0, 0, 20, 20)
    points = np.zeros((6, 2), np.float32)
    detector = Blind(Face(small, 0.9, points), Face(large, 0.6, points))
    plain = table(HEADER, [",".join(row[:2]) for row in rows])
    path = as_folder(tmp_path / "faces", files | {"set.csv": plain})
    found = evaluate(path, models, EXPRESSIONS, detector)
    assert found.results["bars"].alone.top1.value == 1
    assert not found.boxes_given


def test_the_detector_finds_faces_and_what_has_none_is_counted(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boxes that the product finds and the same boxes in the table give the same faces."""
    monkeypatch.chdir(repository)
    detector = BlazeFace()
    pictures = [each.image for each in load_portraits()]
    files = {f"{n}.png": png(each) for n, each in enumerate(pictures)}
    files["wall.png"] = png(np.full((200, 300, 3), 120, np.uint8))
    rows = ["0.png,happy", "1.png,neutral", "wall.png,neutral"]
    models, classes = [DEPLOYED_MODEL], ("happy", "neutral")
    path = as_folder(tmp_path / "found", files | {"set.csv": table(HEADER, rows)})
    found = photographs.evaluate(path, models, classes, detector)
    assert found.faces == {"happy": 1, "neutral": 1}
    assert found.not_found == {"happy": 0, "neutral": 1}
    assert found.results["Finalmodel"].alone.recall["happy"].value == 1
    search = FaceSearch(SearchOptions(), detector)
    boxed = []
    for row, picture in zip(rows, pictures, strict=False):
        (face,) = find_faces(detector, picture, search.full(picture))
        box = face.box
        boxed.append(f"{row},{box.left},{box.top},{box.right},{box.bottom}")
    path = as_folder(tmp_path / "given", files | {"set.csv": table(BOXED, boxed)})
    given = photographs.evaluate(path, models, classes, Blind())
    assert given.boxes_given
    assert given.results == found.results


def test_a_box_has_level_eyes(tmp_path: Path, models: list[Path], validation_split: Split) -> None:
    """A model that levels the eyes has no others to go by."""
    path = as_folder(tmp_path / "faces", bars(validation_split, EXPRESSIONS))
    known = Known()
    known.contract = replace(known.contract, framings={"blazeface": replace(FRAMING, rotate=True)})
    assert (
        evaluate(path, models, EXPRESSIONS, classifier=known).results["bars"].alone.top1.value == 1
    )


def test_certainty_by_three_scores() -> None:
    """Of four faces the lead trusts the first two most, the top probability the last two."""
    probabilities = np.array(
        [(0.5, 0.25, 0.25), (0.5, 0.25, 0.25), (0.55, 0.45, 0), (0.55, 0.45, 0)], np.float32
    )
    found = certainty(probabilities, np.array([0, 0, 1, 1]), 0.52)
    assert (found.coverage, found.accuracy_certain) == (0.5, 0)
    assert found.mean_probability == pytest.approx(0.525)
    assert found.ranked[TOP][:2] == [0, 0]
    assert found.ranked["lead over the second"][:2] == [1, 1]
    assert found.ranked["1 − entropy"][0] == 0
    assert all(len(each) == len(SHARES) for each in found.ranked.values())
    assert found.curve == found.curves[TOP]
    assert all(0 <= point.coverage <= 1 for curve in found.curves.values() for point in curve)
    assert certainty(probabilities, np.zeros(4, np.int64), 0.9).accuracy_certain is None


def test_entropy_is_zero_for_what_is_sure_and_one_for_what_is_not() -> None:
    sure, even = np.eye(4, dtype=np.float32)[[0] * 40], np.full((40, 4), 0.25, np.float32)
    for rows, last in ((sure, 0.98), (even, 0.0)):
        curve = certainty(rows, np.zeros(40, np.int64), 0.5).curves["1 − entropy"]
        assert curve[-1].threshold == last


def test_mean_recall_weighs_classes_alike() -> None:
    labels = np.array([0] * 90 + [3] * 10)
    found = stats.macro_recall(np.arange(100) < 90, labels)
    assert found.value == 0.5
    found = stats.macro_recall(np.arange(100) % 2 == 0, labels)
    assert found.low < 0.5 < found.high
