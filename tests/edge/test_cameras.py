"""Cameras: which device a name means, what they are asked for, and what they grant."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import NoCameraError, SourceError, SourceLostError
from edge.settings import Camera
from edge.sources.camera import asked, camera_source, configure, find_device
from edge.sources.picamera import PiCapture, picamera_source, to_bgr
from tests.edge.fakes import image


def never() -> bool:
    return False


# Through OpenCV


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


# Through picamera2


def planes(grey: int, width: int, height: int, padding: int = 0) -> NDArray[np.uint8]:
    """A grey picture in video range as the hardware hands it over: Y, U, V, padded rows."""
    luma = np.full((height, width + padding), grey, np.uint8)
    luma[:, width:] = 235  # must not be seen
    chroma = np.full((height // 2, width + padding), 128, np.uint8)
    return np.concatenate((luma, chroma))


class FakePicamera2:
    """The interface of ``picamera2.Picamera2`` that is used; stalls or fails after ``count``."""

    sensor_resolution = (3280, 2464)
    cameras = 1

    def __init__(self, number: int, count: int = 5, error: type[Exception] = TimeoutError) -> None:
        self.number, self.started, self.closed = number, False, False
        self.wanted: dict[str, Any] = {}
        self._left, self._error = count, error

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Model": "imx219"}] * cls.cameras

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted

    def camera_configuration(self) -> dict[str, Any]:
        return self.wanted

    def start(self) -> None:
        self.started = True

    def capture_array(self, name: str, wait: float) -> NDArray[np.uint8]:
        assert (name, self.started, self.closed) == ("lores", True, False)
        time.sleep(0.002)
        if self._left == 0:
            raise self._error("no frame")
        self._left -= 1
        return planes(126, *self.wanted["lores"]["size"], padding=32)

    def close(self) -> None:
        self.closed = True


def test_the_raspberry_pis_camera_gives_its_low_resolution_stream() -> None:
    cameras: list[FakePicamera2] = []

    class Library(FakePicamera2):
        def __init__(self, number: int) -> None:
            super().__init__(number)
            cameras.append(self)

    with picamera_source(0, never, load=lambda: Library) as source:
        frame = next(iter(source))
        assert source.description == "picamera 0 (640×480, 30 FPS, YUV420)"
    assert frame.image.shape == (480, 640, 3)  # type: ignore[union-attr]
    assert np.unique(frame.image).tolist() == [128]  # type: ignore[union-attr]
    assert cameras[0].wanted["lores"] == {"size": (640, 480), "format": "YUV420"}
    assert cameras[0].wanted["sensor"] == {"output_size": (1640, 1232)}
    assert cameras[0].wanted["controls"] == {"FrameDurationLimits": (33333, 33333)}
    assert cameras[0].closed


def test_the_raspberry_pis_camera_is_asked_for_size_and_rate() -> None:
    wanted = Camera(width=320, height=240, fps=10)
    with picamera_source(0, never, wanted, load=lambda: FakePicamera2) as source:
        expected = "picamera 0 (320×240, 10 FPS, YUV420; asked for 320×240, 10 FPS)"
        assert source.description == expected
        assert source.fps == 10


@pytest.mark.parametrize("grey", [16, 60, 128, 200, 235])
@pytest.mark.parametrize("padding", [0, 64])
def test_the_grey_of_the_crop_is_the_luma_stretched(grey: int, padding: int) -> None:
    picture = to_bgr(planes(grey, 32, 16, padding), 32)
    assert picture.shape == (16, 32, 3)
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    np.testing.assert_allclose(luma, (grey - 16) * 255 / 219, atol=1)


def test_a_colour_stays_that_colour() -> None:
    bgr = image(32, 16)
    bgr[:] = (40, 90, 200)
    back = to_bgr(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8), 32)
    np.testing.assert_allclose(back, bgr, atol=4)


def opened(make: type[FakePicamera2], number: int = 0) -> PiCapture:
    return PiCapture(number, f"picamera {number}", Camera(), lambda: make)


def test_a_stalled_camera_gives_nothing_and_a_broken_one_is_lost() -> None:
    class Stalled(FakePicamera2):
        def __init__(self, number: int) -> None:
            super().__init__(number, count=0)

    class Broken(FakePicamera2):
        def __init__(self, number: int) -> None:
            super().__init__(number, count=0, error=RuntimeError)

    assert opened(Stalled).read() is None
    with pytest.raises(SourceLostError, match="picamera 0: expected a frame, found: no frame;"):
        opened(Broken).read()


def test_a_raspberry_pi_without_that_camera_says_so() -> None:
    with pytest.raises(NoCameraError, match=r"picamera 1: expected .* found 1 in all; check its"):
        opened(FakePicamera2, 1)


def test_a_raspberry_pis_camera_that_is_busy_is_refused_and_closed() -> None:
    closed: list[int] = []

    class Busy(FakePicamera2):
        def start(self) -> None:
            raise RuntimeError("Device or resource busy")

        def close(self) -> None:
            closed.append(self.number)

    with pytest.raises(SourceError, match="found: Device or resource busy; close other programs"):
        opened(Busy)
    assert closed == [0]


def test_without_the_package_it_says_which_one_to_install() -> None:
    with pytest.raises(SourceError, match=r"sudo apt install python3-picamera2.*site-packages"):
        picamera_source(0, never).__enter__()
