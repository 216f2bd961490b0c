"""YuNet with OpenCV's published file, which is no part of the product."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import Recognizer
from edge.assets import ASSETS, ASSETS_FOLDER
from edge.errors import ModelFileError, SettingsError
from edge.protocols import Window
from edge.types import Image
from edge.vision import open_detector
from edge.vision.blazeface import BlazeFace
from edge.vision.confirm import square_window
from edge.vision.yunet import FILE, YuNet, read_file

MODEL = os.environ.get("YUNET_MODEL", "")
needs_file = pytest.mark.skipif(not MODEL, reason="YUNET_MODEL names no file of YuNet")


def portrait(name: str) -> Image:
    return np.asarray(cv2.imread(str(ASSETS_FOLDER / ASSETS[name].file_name)), np.uint8)


@needs_file
@pytest.mark.parametrize(("name", "label"), [("astronaut", "happy"), ("grace hopper", "neutral")])
def test_it_finds_the_face_that_blazeface_finds_and_it_is_read_alike(name: str, label: str) -> None:
    image = portrait(name)
    (face,) = YuNet(Path(MODEL)).detect(image)
    (expected,) = BlazeFace().detect(image)
    assert face.box.iou(expected.box) > 0.5
    apart = np.hypot(*(face.key_points - expected.key_points).T)
    assert apart[:4].max() < 0.12 * expected.box.width
    (result,) = Recognizer(detector="yunet", detector_model=MODEL)(image).faces
    assert result.label == label


@needs_file
def test_a_window_and_its_mirror_image_have_the_face_where_the_frame_has_it() -> None:
    image, detector = portrait("astronaut"), YuNet(Path(MODEL))
    (whole,) = detector.detect(image)
    window = Window(100, 20, 250, 250, 96, 96)
    for shown in (window, window._replace(mirrored=True)):
        (face,) = detector.look(image, shown, 0.5)
        assert face.box.iou(whole.box) > 0.7
        right_eye, left_eye = face.key_points[:2]
        assert right_eye[0] < left_eye[0]


@needs_file
@pytest.mark.parametrize("name", ["astronaut", "grace hopper"])
def test_together_they_draw_the_boxes_of_blazeface(name: str) -> None:
    image, both = portrait(name), open_detector("both", model=Path(MODEL))
    (expected,) = BlazeFace().detect(image)
    assert both.detect(image)[0].box == expected.box
    (face,) = both.look(image, square_window(expected.box, 96, 1.8), 0.5)
    assert face.box.iou(expected.box) > 0.75
    assert both.framing == "blazeface"


@needs_file
@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 2), (720, 1280)])
def test_frames_of_any_shape_in_any_order(shape: tuple[int, int]) -> None:
    assert YuNet(Path(MODEL)).detect(np.full((*shape, 3), 80, np.uint8)) == ()


@pytest.mark.parametrize("content", [None, b"", b"another file"])
def test_a_file_that_is_not_the_published_one_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / FILE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"expected OpenCV's .*found .*get it from https"):
        read_file(path)
    with pytest.raises(ModelFileError, match="expected OpenCV's"):
        open_detector("yunet", model=path)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="expected blazeface or yunet or both or mediapipe"):
        open_detector("haar")
