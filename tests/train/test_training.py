"""From images on disk to a model with its contract and report, also across a kill -9."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from pathlib import Path

import pytest

from tests.train.detectors import WholeImage
from tests.train.killed import run_killed
from train.artifact import load_model
from train.data import fingerprint, load_split
from train.errors import ArtifactError, DatasetError
from train.framing import TIGHTER
from train.layout import EXPRESSIONS
from train.metrics import unpack
from train.recipe import Plateau, Recipe
from train.training import train


def test_a_model_says_where_it_comes_from(tiny, images_folder: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    report = train(tiny, 5, images_folder, tmp_path / "m.h5", WholeImage(), True, logs=logs)
    _, contract = load_model(tmp_path / "m.h5")
    splits = [load_split(images_folder, name) for name in ("train", "validation")]
    assert contract.labels == EXPRESSIONS
    assert contract.framing("whole").scale == pytest.approx(TIGHTER, abs=0.01)
    assert contract.temperature == pytest.approx(report["validation"]["temperature"], 1e-3)
    assert contract.uncertain_below == round(report["validation"]["uncertain_below"], 3)
    provenance = contract.provenance
    assert provenance["data"] == fingerprint(*splits)
    assert (provenance["seed"], provenance["recipe"]["name"]) == (5, "tiny")
    saved = json.loads((tmp_path / "m_report.json").read_text())
    assert saved == report
    assert report["validation"]["images"] == len(splits[1].labels)
    assert report["validation"]["top1"] == provenance["validation"]["top1"]
    right = unpack(report["validation"]["right"], len(splits[1].labels))
    assert right.mean() == pytest.approx(report["validation"]["top1"])
    assert len(list(logs.glob("tiny-*/*/events.*"))) == 2
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {
        *("m.h5", "m_report.json", "m_loss.png", "m_accuracy.png", "m_confusion.png"),
        *("m_mistakes.png", "m_log.csv"),
    }
    assert not list((tmp_path / "checkpoints").iterdir()), "a finished run leaves no state"


def test_a_test_split_is_reported_on_and_unreadable_images_are_said(
    tiny, images_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = tmp_path / "images"
    shutil.copytree(images_folder, images)
    shutil.copytree(images / "validation", images / "test")
    (images / "train/sad/mine.png").write_bytes(b"no image")
    recipe = dataclasses.replace(tiny, epochs=1)
    report = train(recipe, 5, images, tmp_path / "m.h5", WholeImage(), quiet=True)
    assert report["test"]["top1"] == report["validation"]["top1"]
    assert report["unreadable"] == ["train/sad/mine.png: not an image"]
    assert caplog.messages[0] == "unreadable: train/sad/mine.png: not an image"


def test_missing_images_are_named_before_anything_is_written(tiny, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="make data"):
        train(tiny, 0, tmp_path / "none", tmp_path / "m.h5", WholeImage(), quiet=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "found"),
    [("folder.h5", "Is a directory"), ("file/m.h5", "Not a directory"), ("/proc/m.h5", "")],
)
def test_a_target_that_cant_be_written_is_refused_before_images_are_read(
    target: str, found: str, tiny, tmp_path: Path
) -> None:
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=rf"{target}: expected a file .* found: {found}"):
        train(tiny, 0, tmp_path / "none", tmp_path / target, WholeImage(), quiet=True)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.h5", "file"}


def test_logs_that_cant_be_written_are_refused_too(tiny, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=r"file/events: .* found: Not a directory; .* LOGS="):
        train(
            tiny, 0, tmp_path, tmp_path / "m.h5", WholeImage(), quiet=True, logs=tmp_path / "file"
        )


# Patience 0 makes the plateau's memory matter: forgetting it changes the learning rate.
RECIPE = Recipe(
    "small", sets=((4,), (6,), (8,)), dense=(8, 8), epochs=4, batch_size=32,
    learning_rate=0.3, schedule=Plateau(patience=0),
)  # fmt: skip
KILLED = """
import sys
from pathlib import Path
from tests.train.detectors import WholeImage
from tests.train.killed import kill_at
from tests.train.test_training import RECIPE
from train.recipe import Plateau, Recipe
from train.training import train

images, target = map(Path, sys.argv[1:])
kill_at("os.rename", 2, "checkpoints")
train(RECIPE, 5, images, target, WholeImage(), True, lambda: "float32")
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_and_leaves_the_last_model(
    images_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = tmp_path / "m.h5"
    target.write_bytes(b"the model of before")
    run_killed(KILLED, str(images_folder), str(target))
    assert target.read_bytes() == b"the model of before"

    def never() -> str:
        raise AssertionError("a run that goes on has the precision that it had")

    report = train(RECIPE, 5, images_folder, target, WholeImage(), True, never)
    assert "going on after epoch 2 of 4" in caplog.messages
    whole = tmp_path / "whole.h5"
    expected = train(RECIPE, 5, images_folder, whole, WholeImage(), True, lambda: "float32")
    assert load_model(target)[1].labels == load_model(whole)[1].labels
    # The order of sums in parallel threads differs from run to run.
    assert report["history"]["val_loss"] == pytest.approx(expected["history"]["val_loss"], rel=1e-4)
    assert report["history"]["learning_rate"] == expected["history"]["learning_rate"]
    assert len(set(report["history"]["learning_rate"])) > 1, "the plateau mattered"
