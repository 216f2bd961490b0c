"""The Raspberry Pi's own camera, through a stand-in for picamera2's interface."""

from __future__ import annotations

import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import NoCameraError, SourceError, SourceLostError
from edge.protocols import Source
from edge.sources.camera import CameraOptions
from edge.sources.live import LiveSource
from edge.sources.picamera import Package, PiCapture, picamera_source, to_bgr
from edge.types import Frame, Outage
from tests.edge.fakes import image

BT601 = "what libcamera calls it"


def first(source: Source) -> Frame:
    """The first frame; raises what the iteration raises."""
    return next(item for item in source if not isinstance(item, Outage))


def with_first(source: Source) -> Frame:
    with source:
        return first(source)


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

    with picamera_source(0, load=lambda: Package(Library, BT601)) as source:
        frame = first(source)
        assert source.description == "picamera 0 (640×480, 30 FPS, YUV420)"
    assert frame.image.shape == (480, 640, 3)
    assert np.unique(frame.image).tolist() == [128]
    assert cameras[0].wanted["lores"] == {"size": (640, 480), "format": "YUV420"}
    assert cameras[0].wanted["sensor"] == {"output_size": (1640, 1232)}
    assert cameras[0].wanted["controls"] == {"FrameDurationLimits": (33333, 33333)}
    assert cameras[0].wanted["colour_space"] == BT601
    assert cameras[0].closed


def test_the_raspberry_pis_camera_is_asked_for_size_and_rate() -> None:
    wanted = CameraOptions(width=320, height=240, fps=10)
    with picamera_source(0, wanted, load=lambda: Package(FakePicamera2, BT601)) as source:
        first(source)
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
    return PiCapture(number, f"picamera {number}", CameraOptions(), lambda: Package(make, BT601))


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
        with_first(picamera_source(0))


class QueueingPicamera2(FakePicamera2):
    """Queues as picamera2 does: a read that timed out stays, and closing waits for its turn.

    The first one stalls after a frame; while it isn't closed, another one finds the camera busy.
    """

    lives = 0
    busy = threading.Lock()

    def __init__(self, number: int) -> None:
        cls = type(self)
        if not cls.busy.acquire(blocking=False):
            raise RuntimeError("Camera __init__ sequence did not complete: resource busy")
        cls.lives += 1
        super().__init__(number, count=1 if cls.lives == 1 else 1000)
        self._queue_is_empty = threading.Event()
        self._queue_is_empty.set()

    def capture_array(self, name: str, wait: float) -> NDArray[np.uint8]:
        try:
            return super().capture_array(name, wait)
        except TimeoutError:
            self._queue_is_empty.clear()
            raise

    def cancel_all_and_flush(self) -> None:
        self._queue_is_empty.set()

    def close(self) -> None:
        if self._queue_is_empty.wait(20):
            super().close()
            self.busy.release()


def test_a_camera_that_stalls_is_closed_and_opened_again() -> None:
    def opener() -> PiCapture:
        return PiCapture(
            0, "picamera 0", CameraOptions(), lambda: Package(QueueingPicamera2, BT601)
        )

    until = time.monotonic() + 5
    source = LiveSource(opener, "picamera 0", lost_after=0.1, pauses=(0.1,))
    outages = []
    with source:
        for item in source:
            assert time.monotonic() < until
            if isinstance(item, Outage):
                outages.append(item.reason)
            elif item.index == 1:
                break
    assert QueueingPicamera2.lives == 2, "it stalled, and came back"
    assert set(outages) - {""} == {
        "picamera 0: expected a frame within 0.1 s, found none; check its cable and power"
    }


def test_an_old_picamera2_that_cannot_cancel_is_closed_all_the_same() -> None:
    cameras: list[FakePicamera2] = []

    class Old(FakePicamera2):
        def __init__(self, number: int) -> None:
            super().__init__(number)
            cameras.append(self)

    assert not hasattr(Old, "cancel_all_and_flush")
    opened(Old).release()
    assert cameras[0].closed


@pytest.mark.parametrize("error", [OSError, ValueError, KeyError, AttributeError, cv2.error])
@pytest.mark.parametrize("where", ["global_camera_info", "start", "capture_array"])
def test_whatever_the_library_raises_is_told_at_once(where: str, error: type[Exception]) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error("no such thing")

    library = type("Library", (FakePicamera2,), {where: broken})
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"picamera 0: expected a .*no such thing"):
        with_first(picamera_source(0, load=lambda: Package(library, BT601)))
    assert time.monotonic() - start < 2
