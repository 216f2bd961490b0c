"""The report on a data set, on small ones that were made for it and on the real one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edge.contract import extract
from tests.train.archives import dataset, png, write_files, write_zip
from train.data import load_split
from train.install import install
from train.inventory import Inventory, differs_from, take_inventory

ARCHIVE = os.environ.get("FER_ARCHIVE")


def _inventory(root: Path) -> Inventory:
    return take_inventory([load_split(root, name) for name in ("train", "validation")])


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """16 images a class, with one of each oddity."""
    files = dataset("train", "validation", each=16)
    files |= {
        "train/sad/0.png": files["train/sad/1.png"],  # repeated under the same label
        "train/sad/2.png": files["train/fear/2.png"],  # contradicting
        "validation/happy/3.png": files["train/fear/2.png"],  # and once more
        "validation/happy/4.png": files["train/happy/4.png"],  # a copy with the same label
        "train/angry/5.png": png(np.full((48, 48), 7, np.uint8)),
        "validation/neutral/6.png": b"text",
    }
    return write_files(tmp_path, files)


def test_oddities_are_found(odd: Path) -> None:
    report = _inventory(odd)
    train, validation = report.splits["train"], report.splits["validation"]
    assert train.images == 112
    assert validation.images == 111
    assert validation.per_class == dict.fromkeys(train.per_class, 16) | {"neutral": 15}
    assert validation.unreadable == ("validation/neutral/6.png: not an image",)
    assert train.flat == ("train/angry/5.png",)
    assert (train.repeated, validation.repeated) == (2, 0)
    assert (train.in_train, validation.in_train) == (0, 2)
    assert (train.tagged, train.agreeing) == (0, 0), "nobody tagged these images"
    assert report.conflicts == (("train/fear/2.png", "train/sad/2.png", "validation/happy/3.png"),)


def test_the_saved_report_is_the_report(odd: Path) -> None:
    report = _inventory(odd)
    saved = json.loads(json.dumps(report.to_dict()))
    assert saved["conflicting_groups"] == 1
    assert saved["splits"]["validation"]["in_train"] == 2
    assert saved["fingerprint"] == report.fingerprint


def test_the_tables_show_the_figures(odd: Path) -> None:
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(_inventory(odd))
    console.file.close()
    text = console.export_text()
    for row in (("neutral", "16", "15"), ("identical to a training image", "0", "2")):
        assert any(all(cell in line for cell in row) for line in text.splitlines()), text


def _data(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "train", "data", *arguments]
    return subprocess.run(
        command, cwd=repository, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command(repository: Path, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", dataset("train", "test"))
    images = str(tmp_path / "images")
    ended = _data(repository, "--archive", str(archive), "--images", images)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "test → validation" in ended.stdout
    assert json.loads((tmp_path / "images/report.json").read_text())["fingerprint"] in ended.stdout
    assert "models/Finalmodel.tflite was trained on other files" in ended.stdout


def test_files_that_a_model_was_trained_on_are_not_other_ones(repository: Path, odd: Path) -> None:
    shipped, inventory = repository / "models/Finalmodel.tflite", _inventory(odd)
    trained_on = extract(shipped.read_bytes()).provenance["data"]
    assert differs_from(shipped, inventory)
    assert not differs_from(shipped, dataclasses.replace(inventory, fingerprint=trained_on))
    assert not differs_from(odd / "none.tflite", inventory)


def test_the_command_on_bad_input(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no archive")
    ended = _data(repository, "--archive", str(tmp_path / "a.zip"), "--images", str(tmp_path / "i"))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "i").exists()


@pytest.mark.skipif(ARCHIVE is None, reason="set FER_ARCHIVE=path.zip to check the real archive")
def test_the_real_data_set(tmp_path: Path) -> None:
    """FER2013's Training and PublicTest splits, as the public archives hold them."""
    assert ARCHIVE is not None
    report = install(Path(ARCHIVE), tmp_path)
    train, validation = report.splits["train"], report.splits["validation"]
    assert list(train.per_class.values()) == [3995, 436, 4097, 7215, 4965, 4830, 3171]
    assert validation.images == 3589
    assert validation.in_train == 280
    assert len(train.flat) + len(validation.flat) == 12
    assert train.unreadable == validation.unreadable == ()
    assert len(report.conflicts) == 47
    assert 0.65 < train.agreeing / train.tagged < 0.66
    assert 0.64 < validation.agreeing / validation.tagged < 0.65
