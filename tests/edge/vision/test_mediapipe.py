"""The MediaPipe package finds the same faces, and opens no socket."""

from __future__ import annotations

import signal
import sys
from importlib import metadata, util
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.assets import ASSETS_FOLDER
from edge.errors import DetectorError
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Frame
from edge.vision.blazeface import BlazeFace
from edge.vision.mediapipe import ADAPTER, MediaPipeDetector
from tests.edge.sockets import run_without_sockets

# Newer releases look their vendor up when a detector is made, 1.x also when it is closed.
USE = """
import numpy as np
from edge.vision.mediapipe import MediaPipeDetector
for _ in range(2):
    detector = MediaPipeDetector()
    assert detector.detect(np.zeros((90, 160, 3), np.uint8)) == []
    del detector
"""


@pytest.mark.skipif(util.find_spec("mediapipe") is not None, reason="the package is installed")
def test_a_missing_package_is_explained() -> None:
    with pytest.raises(DetectorError, match=r"No module named.*make run-edge DETECTOR=mediapipe"):
        ADAPTER.check(Path())


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


@pytest.mark.mediapipe
def test_one_package_owns_cv2() -> None:
    assert metadata.packages_distributions()["cv2"] == ["opencv-contrib-python"]


@pytest.mark.mediapipe
@pytest.mark.parametrize("faces", [1, 2, 3])
def test_finds_the_same_faces_as_blazeface(detector: MediaPipeDetector, faces: int) -> None:
    blazeface, overlaps = BlazeFace(), []
    for frame in DemoSource(load_portraits(), frames=60, faces=faces):
        assert isinstance(frame, Frame)
        ours, theirs = blazeface.detect(frame.image), detector.detect(frame.image)
        assert len(ours) == len(theirs) == faces
        for our, their in zip(ours, theirs, strict=True):
            overlaps.append(our.box.iou(their.box))
            assert abs(our.score - their.score) < 0.02
            assert np.abs(our.key_points - their.key_points).max() < 1
    assert min(overlaps) >= 0.9
    assert np.mean(overlaps) >= 0.95


@pytest.mark.mediapipe
@pytest.mark.parametrize("shape", [(2, 2), (1, 500), (500, 1), (720, 1280), (90, 160)])
def test_frames_of_any_shape_in_any_order(
    detector: MediaPipeDetector, shape: tuple[int, int]
) -> None:
    assert detector.name == f"mediapipe {metadata.version('mediapipe')}"
    assert not detector.detect(np.zeros((*shape, 3), np.uint8))
    portrait = np.asarray(cv2.imread(str(ASSETS_FOLDER / "grace_hopper.jpg")))
    (face,) = detector.detect(portrait[:, ::-1])
    assert face.score > 0.9


@pytest.mark.mediapipe
def test_a_frame_without_pixels_is_refused(detector: MediaPipeDetector) -> None:
    with pytest.raises(DetectorError, match="found 5×0"):
        detector.detect(np.zeros((0, 5, 3), np.uint8))


@pytest.mark.mediapipe
def test_the_package_opens_no_socket() -> None:
    done = run_without_sockets(USE, python=sys.executable)
    assert done.returncode != -signal.SIGSYS, "it tried: is it the release of the requirements?"
    assert done.returncode == 0, done.stderr
