"""Cameras: which device a name means, what they are asked for, and what they grant."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import pytest

from edge.errors import NoCameraError, SourceError
from edge.protocols import Source
from edge.sources.camera import (
    CameraOptions,
    camera_source,
    configure,
    find_device,
    first_camera,
)
from edge.types import Frame, Image, Outage
from tests.edge.fakes import image


def first(source: Source) -> Frame:
    """The first frame; raises what the iteration raises."""
    with source:
        return next(item for item in source if not isinstance(item, Outage))


def test_a_camera_that_is_not_there_is_refused_at_once_with_advice() -> None:
    with pytest.raises(NoCameraError, match=r"video97: expected a camera, found no such device.*;"):
        first(camera_source(97))


def test_a_camera_without_permission_names_the_group(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    device.chmod(0o660)
    with pytest.raises(SourceError, match=rf"only group '{device.group()}' may; run 'sudo usermod"):
        find_device(device, access=lambda *_: False)


def test_a_group_without_a_name_is_called_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "video0"
    device.touch()

    def unknown(_: Path) -> str:
        raise KeyError("getgrgid(): gid not found: 44")

    monkeypatch.setattr(Path, "group", unknown)
    with pytest.raises(SourceError, match=rf"only group '{device.stat().st_gid}' may"):
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


def machine(root: Path, devices: dict[int, tuple[str, str]]) -> Path:
    """A machine with video devices of these indices: their name and their index in a camera."""
    (root / "dev").mkdir()
    for number, (name, index) in devices.items():
        (root / f"dev/video{number}").touch()
        entry = root / f"sys/class/video4linux/video{number}"
        entry.mkdir(parents=True)
        (entry / "name").write_text(f"{name}\n")
        (entry / "index").write_text(f"{index}\n")
    return root


@pytest.mark.parametrize(
    ("devices", "first"),
    [
        ({}, 0),
        ({0: ("USB Camera", "0"), 1: ("USB Camera", "1"), 2: ("Other", "0")}, 0),
        ({10: ("Camera", "0"), 2: ("Camera", "0"), 1: ("Gone's metadata", "1")}, 2),
        (
            {
                0: ("unicam-image", "0"),
                10: ("bcm2835-codec-decode", "0"),
                13: ("bcm2835-isp-output0", "0"),
                19: ("rpi-hevc-dec", "0"),
                20: ("pispbe-input", "0"),
                24: ("USB Camera", "0"),
            },
            24,
        ),
    ],
)
def test_auto_is_the_first_camera_that_is_there(
    tmp_path: Path, devices: dict[int, tuple[str, str]], first: int
) -> None:
    assert first_camera(machine(tmp_path, devices)) == first


def test_a_raspberry_pi_without_a_usb_camera_has_none_for_auto(tmp_path: Path) -> None:
    pi = machine(tmp_path, {0: ("rp1-cfe-csi2_ch0", "0"), 19: ("rpi-hevc-dec", "0")})
    with pytest.raises(NoCameraError, match=r"none among video0, video19; plug one in.*'picamera'"):
        first_camera(pi)


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
    wanted = CameraOptions(width=1280, height=720, fps=15, format="mjpg")
    assert configure(camera, wanted) == "YUYV"
    assert camera.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15),
    ]
    assert str(wanted) == "1280×720, 15 FPS, MJPG"


@pytest.mark.parametrize("fourcc", [0.0, -1.0])
def test_a_camera_may_decide_and_keep_its_format_to_itself(fourcc: float) -> None:
    camera = FakeProperties(fourcc)
    assert configure(camera, CameraOptions()) == ""
    assert camera.asked == []
    assert str(CameraOptions()) == ""


# What nobody expects of a driver


class BrokenCapture:
    """A stand-in for ``cv2.VideoCapture`` that raises ``error`` in its method ``where``."""

    def __init__(self, error: Exception, where: str) -> None:
        self._error, self._where = error, where

    def __call__(self, *_: object) -> BrokenCapture:
        self._fail("open")
        return self

    def isOpened(self) -> bool:  # noqa: N802
        self._fail("isOpened")
        return True

    def get(self, _: int) -> float:
        self._fail("get")
        return 0.0

    def read(self) -> tuple[bool, Image]:
        self._fail("read")
        return True, image()

    def release(self) -> None:
        self._fail("release")

    def _fail(self, where: str) -> None:
        if where == self._where:
            raise self._error


ERRORS = [cv2.error("boom"), OSError("boom"), ValueError("boom"), RuntimeError("boom")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["open", "isOpened", "get", "read"])
def test_whatever_opencv_raises_is_told_at_once(
    where: str, error: Exception, tmp_path: Path
) -> None:
    link = tmp_path / "camera"
    link.symlink_to("video0")
    (tmp_path / "video0").touch()
    source = camera_source(link, library=BrokenCapture(error, where))  # type: ignore[arg-type]
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"camera.*: expected a .*boom.*; c"):
        first(source)
    assert time.monotonic() - start < 2


def test_a_name_that_is_too_long_is_an_error_of_ours() -> None:
    name = "/dev/v4l/by-id/" + "very-" * 100
    with pytest.raises(SourceError, match=r"very-.*: expected a camera.*;"):
        first(camera_source(Path(name)))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_device_that_cannot_even_be_closed_ends_its_reader_quietly(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    gone = BrokenCapture(OSError("gone"), "release")
    found = first(camera_source(tmp_path / "video0", library=gone))  # type: ignore[arg-type]
    assert found.live
