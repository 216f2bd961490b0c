"""Faces are cut out of whole photographs as the runtime cuts them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.blazeface import BlazeFace
from edge.vision.crops import crop_square, face_square
from tests.train.archives import noise, write_files
from train.data import load_splits
from train.errors import DatasetError
from train.framing import USUAL
from train.install import framing_of, install

ASSETS = Path("models/assets")


def photographs(folder: Path) -> Path:
    """The two portraits, each in many sizes, and two pictures without a face."""
    for label, name in (("smiling", "astronaut.png"), ("serious", "grace_hopper.jpg")):
        portrait = cv2.imread(str(ASSETS / name))
        portrait = portrait[: portrait.shape[1] * 2 // 3]
        (folder / label).mkdir(parents=True)
        for i in range(6):
            size = 200 + 40 * i
            changed = cv2.resize(portrait, (size, size * portrait.shape[0] // portrait.shape[1]))
            changed = cv2.copyMakeBorder(changed, 20 * i, 0, 0, 40, cv2.BORDER_REFLECT)
            suffix = ("jpg", "png")[i % 2]
            cv2.imwrite(str(folder / label / f"{i}.{suffix}"), changed)
        write_files(folder / label, {"none.png": noise(i, 300)})
    return folder


def test_the_largest_face_of_each_photograph(tmp_path: Path) -> None:
    source, detector, images = photographs(tmp_path / "photos"), BlazeFace(), tmp_path / "images"
    report = install(source, images, detector=detector)
    assert report.without_face == ("serious/none.png", "smiling/none.png")
    splits = load_splits(images)
    assert sum(len(split.images) for split in splits.values()) == 12
    assert {path.name for path in images.iterdir()} >= {"faces.png", "report.json"}
    assert framing_of(images) == USUAL
    assert json.loads((images / "report.json").read_text())["without_face"]

    photograph = cv2.imread(str(source / "smiling/4.jpg"))
    face = detector.detect(photograph)[0]
    place = face_square(face, USUAL)
    cut = next(images.glob("*/smiling/4.jpg"))
    side = cv2.imread(str(cut), 0).shape[0]
    assert side == pytest.approx(place.side, abs=6)
    found = cv2.imread(str(cut), 0).astype(float)
    expected = crop_square(photograph, place, side, side).astype(float)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.8
    sheet = cv2.imread(str(images / "faces.png"), 0)
    assert sheet.shape[0] == 2 * 66
    assert sheet[:64, :64].std() > 20


def test_images_without_faces_are_said(tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": noise(i, 200) for c in "ab" for i in range(3)}
    with pytest.raises(
        DatasetError, match=r"expected photographs of faces, found none in 6; leave"
    ):
        install(write_files(tmp_path / "a", files), tmp_path / "images", detector=BlazeFace())
    assert not [path for path in (tmp_path / "images").iterdir() if path.is_dir()]


def test_a_data_set_of_crops_has_no_framing(tmp_path: Path) -> None:
    assert framing_of(tmp_path) is None
    (tmp_path / "report.json").write_text('{"splits": {}}')
    assert framing_of(tmp_path) is None
