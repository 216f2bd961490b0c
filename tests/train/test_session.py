"""From images on disk to a model with its contract and report, also across a kill -9."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.train.detectors import WholeImage
from train.artifact import load_model
from train.data import LABELS, fingerprint, load_split
from train.errors import ArtifactError, DatasetError
from train.examples import plain_examples
from train.fit import Run, fit
from train.session import _state_path, train


def test_a_model_says_where_it_comes_from(tiny, images_folder: Path, tmp_path: Path) -> None:
    outcome = train(tiny, 5, images_folder, tmp_path / "m.h5", WholeImage(), quiet=True)
    _, contract = load_model(outcome.path)
    splits = [load_split(images_folder, name) for name in ("train", "validation")]
    assert contract.labels == LABELS
    assert contract.framing.scale == pytest.approx(1, abs=0.01)
    assert contract.temperature == pytest.approx(outcome.report["validation"]["temperature"], 1e-3)
    provenance = contract.provenance
    assert provenance["data"] == fingerprint(*splits)
    assert (provenance["seed"], provenance["recipe"]["name"]) == (5, "tiny")
    report = json.loads((tmp_path / "m_report.json").read_text())
    assert report["validation"]["images"] == len(splits[1].labels)
    assert report["validation"]["top1"] == provenance["validation"]["top1"]
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {
        *("m.h5", "m_report.json", "m_loss.png", "m_accuracy.png", "m_confusion.png"),
    }
    assert not list((tmp_path / "checkpoints").iterdir()), "a finished run leaves no state"


def test_a_report_names_the_commit_that_trained(tiny, images_folder: Path, tmp_path: Path) -> None:
    """Not the one that took up the finished training and wrote its model."""
    target = tmp_path / "m.h5"
    splits = {name: load_split(images_folder, name) for name in ("train", "validation")}
    state = _state_path(target, tiny, [5, fingerprint(*splits.values())])
    fit(Run(tiny, 5, "float32", state), *map(plain_examples, splits.values()), quiet=True)
    with np.load(state) as arrays:
        kept = dict(arrays)
    earlier = {"machine": "another", "commit": "0123456789ab", "date": "2025-01-02"}
    kept["state"] = np.array(json.dumps(json.loads(str(kept["state"])) | {"origin": earlier}))
    np.savez(state, **kept)
    outcome = train(tiny, 5, images_folder, target, WholeImage(), quiet=True)
    assert {name: outcome.report[name] for name in earlier} == earlier
    assert load_model(outcome.path)[1].provenance["commit"] == earlier["commit"]


def test_a_test_split_is_reported_on(tiny, images_folder: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(images_folder, images)
    shutil.copytree(images / "validation", images / "test")
    recipe = dataclasses.replace(tiny, epochs=1)
    outcome = train(recipe, 5, images, tmp_path / "m.h5", WholeImage(), quiet=True)
    assert outcome.report["test"]["top1"] == outcome.report["validation"]["top1"]


def test_unreadable_images_are_said_and_reported(
    tiny, images_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(images_folder, images)
    (images / "train/sad/mine.png").write_bytes(b"no image")
    outcome = train(dataclasses.replace(tiny, epochs=1), 5, images, tmp_path / "m.h5", WholeImage())
    assert outcome.report["unreadable"] == ["train/sad/mine.png: not an image"]
    assert json.loads((tmp_path / "m_report.json").read_text())["unreadable"]
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "unreadable: train/sad/mine.png: not an image"


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


CHILD = """
import dataclasses, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from tests.train.detectors import WholeImage
from train.recipes import Recipe
from train.session import train
sets, dense = ((4,), (6,), (8,)), (8, 8, 8)
recipe = Recipe("tiny", sets=sets, dense=dense, epochs=int(sys.argv[4]), batch_size=32)
precision = sys.argv[5]
train(recipe, 5, Path(sys.argv[2]), Path(sys.argv[3]), WholeImage(), False, lambda: precision)
"""


def child(
    repository: Path, images: Path, target: Path, epochs: int, precision: str = "float32"
) -> subprocess.Popen[bytes]:
    arguments = [str(repository), str(images), str(target), str(epochs), precision]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_kill_9_loses_less_than_an_epoch(
    repository: Path, images_folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m.h5"
    target.write_bytes(b"the model of before")
    first = child(repository, images_folder, target, epochs=400)
    state = _wait_for_state(tmp_path / "checkpoints", first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert target.read_bytes() == b"the model of before"
    with np.load(state) as arrays:
        done = len(json.loads(str(arrays["state"]))["history"]["loss"])
    assert done >= 1

    second = child(repository, images_folder, target, 400, "not asked: it keeps the one it had")
    output = b""
    assert second.stdout is not None
    for line in second.stdout:
        output += line
        if b"going on after epoch" in line:
            break
    second.kill()
    second.communicate()
    assert f"going on after epoch {done} of 400".encode() in output


def _wait_for_state(folder: Path, process: subprocess.Popen[bytes]) -> Path:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        found = list(folder.glob("tiny-*.npz"))
        if found:
            return found[0]
        assert process.poll() is None, process.communicate()[0].decode()
        time.sleep(0.05)
    raise AssertionError("no state after 90 s")
