"""A camera through OpenCV."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from edge.adapters import SourceAdapter
from edge.device import Device
from edge.errors import NoCameraError, SettingsError, SourceError, SourceLostError, first_line
from edge.settings import check_range
from edge.sources.live import LiveSource
from edge.types import Image

_DEVICE, _LINKS = "/dev/video", "/dev/v4l/"
"""What Linux puts before a camera's index, and where it has links to cameras by their names."""
_NO_CAMERAS = ("bcm2835-", "rpi", "pisp", "unicam", "rp1-cfe")
"""How names of a Raspberry Pi's own video devices begin: decoders, scalers, and the raw receiver of
the ribbon cable, of which OpenCV can make no picture."""
_FOREIGN = (cv2.error, OSError, ValueError, RuntimeError)
"""What OpenCV, its backends and the file system raise where a device misbehaves."""
_REMEDY = (
    "close other programs that use it, or choose another index "
    "('picamera' for a Raspberry Pi's own)"
)


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """What a camera is asked for; it grants what it can."""

    width: int = 0
    """Pixels across: 0…16384, 0 for the camera's own choice."""
    height: int = 0
    """Pixels down: 0…16384, 0 for the camera's own choice."""
    fps: float = 0.0
    """Frames a second: 1…1000, 0 for the camera's own choice."""
    format: Literal["auto", "mjpg", "yuyv"] = "auto"
    """How a USB camera sends pictures: "mjpg" fits large ones through the cable, "yuyv" saves
    decoding them."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        check_range("camera.width", self.width, 0, 16384, "pixels")
        check_range("camera.height", self.height, 0, 16384, "pixels")
        if self.fps:  # a slower one would be taken for lost
            check_range("camera.fps", self.fps, 1, 1000)
        if bool(self.width) != bool(self.height):  # drivers ignore one without the other
            raise SettingsError(
                "camera.width and camera.height: expected both or neither, found "
                f"{self.width} and {self.height}; give both"
            )

    def __str__(self) -> str:
        """For people: "1280×720, MJPG", empty where nothing is asked for."""
        size = f"{self.width}×{self.height}" if self.width else ""
        fps = f"{self.fps:.4g} FPS" if self.fps else ""
        image_format = "" if self.format == "auto" else self.format.upper()
        return ", ".join(filter(None, (size, fps, image_format)))


def camera_source(
    device: int | Path | None,
    options: CameraOptions | None = None,
    library: Callable[..., cv2.VideoCapture] = cv2.VideoCapture,
) -> LiveSource:
    """Return the camera with this index or, on Linux, this device, to be opened by entering it.

    None is the first one that is there, looked for at each opening. ``library`` opens what OpenCV
    calls a capture.
    """
    options = options or CameraOptions()
    name = f"camera {device.name if isinstance(device, Path) else device}"
    name = "first camera" if device is None else name
    return LiveSource(partial(_open, device, name, options, library), name, str(options))


class CameraCapture:
    """An open ``cv2.VideoCapture`` as a ``Capture``; ``name`` is for messages."""

    def __init__(self, capture: cv2.VideoCapture, name: str, granted: str = "") -> None:
        """Take ``capture`` over, to be released with this."""
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 1000 else 0.0
        self.format = granted
        self._capture, self._name = capture, name

    def read(self) -> Image | None:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; raises ``SourceLostError``."""
        try:
            found, image = self._capture.read()
            return np.asarray(image, np.uint8) if found else None
        except _FOREIGN as error:
            raise SourceLostError(
                f"{self._name}: expected a frame, found that OpenCV can't read it "
                f"({_said(error)}); check the device"
            ) from error

    def release(self) -> None:
        """Close the device."""
        with suppress(*_FOREIGN):  # it is gone
            self._capture.release()


def _open(
    device: int | Path | None,
    name: str,
    options: CameraOptions,
    library: Callable[..., cv2.VideoCapture],
) -> CameraCapture:
    linux = sys.platform.startswith("linux")
    try:
        which = ""
        if device is None:
            device = first_camera() if linux else 0
            which = f"index {device}"
        if linux:
            device = find_device(_path(device))
        capture = library(device, cv2.CAP_V4L2 if linux else cv2.CAP_ANY)
        if capture.isOpened():
            granted = ", ".join(filter(None, (configure(capture, options), which)))
            return CameraCapture(capture, name, granted)
        capture.release()
    except _FOREIGN as error:
        raise SourceError(
            f"{name}: expected a camera that opens, found: {_said(error)}; {_REMEDY}"
        ) from error
    # Elsewhere than on Linux, this is all that is heard of a camera that is not there.
    raise (SourceError if linux else NoCameraError)(
        f"{name}: expected a camera that opens, found that it doesn't; {_REMEDY}"
    )


def configure(capture: cv2.VideoCapture, options: CameraOptions) -> str:
    """Ask ``capture`` for what is wanted; return the format that it grants, such as "MJPG"."""
    # The format first: which sizes and rates there are depends on it.
    if options.format != "auto":
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*options.format.upper()))
    if options.width:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.height)
    if options.fps:
        capture.set(cv2.CAP_PROP_FPS, options.fps)
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = code.to_bytes(4, "little").decode("ascii", "ignore").strip()
    return letters if letters.isprintable() else ""


def _said(error: Exception) -> str:
    """What ``error`` says; of OpenCV's, without the place in its source."""
    return getattr(error, "err", None) or first_line(error)


def first_camera(root: Path = Path("/")) -> int:
    """Return the lowest index of a camera, 0 where there is no video device at all.

    ``root`` holds the machine's /dev and /sys. Further devices of the same camera (its metadata)
    and what is no camera are passed over; raises ``NoCameraError`` where that leaves none.
    """
    names = (path.name.removeprefix("video") for path in (root / "dev").glob("video*"))
    found = sorted(int(name) for name in names if name.isdecimal())
    cameras = [n for n in found if _is_camera(root / f"sys/class/video4linux/video{n}")]
    if found and not cameras:
        raise NoCameraError(
            f"auto: expected a camera that OpenCV can read, found none among "
            f"{', '.join(f'video{n}' for n in found)}; plug one in, or choose another source "
            "('picamera' for a Raspberry Pi's own)"
        )
    return min(cameras, default=0)


def _is_camera(entry: Path) -> bool:
    """Whether what Linux tells in ``entry`` is a camera; where it tells nothing, it may be one."""

    def told(name: str) -> str:
        try:
            return (entry / name).read_text(errors="replace").strip()
        except OSError:
            return ""

    return told("index") in {"", "0"} and not told("name").startswith(_NO_CAMERAS)


def find_device(device: Path, access: Callable[[Path, int], bool] = os.access) -> int:
    """Return the index of ``device``, which may be a link as in /dev/v4l/by-id.

    ``access`` says whether this user may use a path in a mode. Raises ``SourceError`` with advice
    where it isn't there, isn't a camera or may not be used.
    """
    if not device.exists():
        others = sorted(path.name for path in device.parent.glob("*video*"))
        raise NoCameraError(
            f"{device}: expected a camera, found no such device"
            + (f" (there are {', '.join(others)})" if others else "")
            + "; plug one in, or choose another source"
        )
    number = re.fullmatch(r"video(\d+)", device.resolve().name)
    if number is None:
        raise SourceError(
            f"{device}: expected a camera, found {device.resolve()}; choose one of /dev/video…"
        )
    if not access(device, os.R_OK | os.W_OK):
        try:
            group = device.group()
        except KeyError:  # in a container
            group = str(device.stat().st_gid)
        raise SourceError(
            f"{device}: expected a camera that this user may use, found that only group '{group}' "
            f"may; run 'sudo usermod -aG {group} $USER' and log in again"
        )
    return int(number[1])


def check_camera(device: int | Path | None, machine: Device) -> str:
    """Say which camera of ``machine`` a run would open; raises ``SourceError`` where it can't."""
    if not sys.platform.startswith("linux"):
        return f"camera {device or 0}, which only 'run' can look at here"
    path = _path(first_camera(machine.root) if device is None else device)
    index = find_device(machine.root / path.relative_to("/"), machine.access)
    return f"{machine.camera_name(f'video{index}')}, which this user may open"


def _path(device: int | Path) -> Path:
    return device if isinstance(device, Path) else Path(f"{_DEVICE}{device}")


def _device(address: str) -> int | Path | None:
    """The camera that ``address`` names, None where it names none."""
    number = address.removeprefix(_DEVICE)
    if re.fullmatch(r"\d{1,9}", number):
        return int(number)
    return Path(address) if address.startswith(_LINKS) else None


ADAPTER = SourceAdapter(
    "camera",
    matches=lambda address: _device(address) is not None,
    open=lambda address, options, _: camera_source(_device(address), options),
    check=lambda address, _, __, machine: check_camera(_device(address), machine),
    options=CameraOptions,
    table="camera",
)
