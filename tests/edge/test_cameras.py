"""Cameras: which device a name means, what they are asked for, and what they grant."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from edge.errors import NoCameraError, SourceError
from edge.settings import Camera
from edge.sources.camera import asked, camera_source, configure, find_device


def never() -> bool:
    return False


def test_a_camera_that_is_not_there_is_refused_at_once_with_advice() -> None:
    with pytest.raises(NoCameraError, match=r"video97: expected a camera, found no such device.*;"):
        camera_source(97, never).__enter__()


def test_a_camera_without_permission_names_the_group(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    with pytest.raises(SourceError, match=rf"only group '{device.group()}' may; run 'sudo usermod"):
        find_device(device, access=lambda *_: False)


def test_a_missing_device_names_the_ones_there_are(tmp_path: Path) -> None:
    (tmp_path / "video2").touch()
    with pytest.raises(NoCameraError, match=r"\(there are video2\)"):
        find_device(tmp_path / "video0")


def test_a_name_means_the_device_that_it_leads_to_now(tmp_path: Path) -> None:
    link = tmp_path / "usb-Maker_Camera-video-index0"
    for number in (3, 12):
        (tmp_path / f"video{number}").touch()
        link.unlink(missing_ok=True)
        link.symlink_to(f"video{number}")
        assert find_device(link, access=lambda *_: True) == number
    (tmp_path / "video12").unlink()
    with pytest.raises(NoCameraError, match="index0: expected a camera, found no such device"):
        find_device(link)


def test_what_is_no_camera_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk").touch()
    with pytest.raises(SourceError, match=r"disk: expected a camera, found .*; choose one of"):
        find_device(tmp_path / "disk")


class FakeProperties:
    """A camera of one size and format, whatever it is asked for."""

    def __init__(self, fourcc: float) -> None:
        self.asked: list[tuple[int, float]] = []
        self._fourcc = fourcc

    def set(self, key: int, value: float, /) -> bool:
        self.asked.append((key, value))
        return False

    def get(self, key: int, /) -> float:
        return self._fourcc if key == cv2.CAP_PROP_FOURCC else 0.0


def test_a_camera_is_asked_for_the_format_first() -> None:
    camera = FakeProperties(cv2.VideoWriter.fourcc(*"YUYV"))
    wanted = Camera(width=1280, height=720, fps=15, format="mjpg")
    assert configure(camera, wanted) == "YUYV"
    assert camera.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    assert asked(wanted) == "1280×720, 15 FPS, MJPG"


@pytest.mark.parametrize("fourcc", [0.0, -1.0])
def test_a_camera_may_decide_and_keep_its_format_to_itself(fourcc: float) -> None:
    camera = FakeProperties(fourcc)
    assert configure(camera, Camera()) == ""
    assert camera.asked == [(cv2.CAP_PROP_BUFFERSIZE, 1)]
    assert asked(Camera()) == ""
