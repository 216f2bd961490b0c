"""A camera through OpenCV."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2

from edge.errors import NoCameraError, SourceError
from edge.settings import Camera
from edge.sources.capture import OpenCVCapture, opening
from edge.sources.live import LiveSource

DEVICE = "/dev/video"
"""What Linux puts before a camera's index."""
_NO_CAMERAS = ("bcm2835-", "rpi", "pisp", "unicam", "rp1-cfe")
"""How names of a Raspberry Pi's own video devices begin: decoders, scalers, and the raw receiver of
the ribbon cable, of which OpenCV can make no picture."""
_BY_GROUP = stat.S_IRGRP | stat.S_IWGRP
_REMEDY = (
    "close other programs that use it, or choose another index "
    "('picamera' for a Raspberry Pi's own)"
)


def camera_source(
    device: int | Path | None,
    stop: Callable[[], bool],
    wanted: Camera | None = None,
    patient: bool = False,
    say: Callable[[str], None] = lambda _: None,
    library: Callable[..., cv2.VideoCapture] = cv2.VideoCapture,
) -> LiveSource:
    """Return the camera with this index or, on Linux, this device, to be opened by entering it.

    None is the first one that is there, looked for at each opening.

    Opening raises ``SourceError`` unless it is ``patient``: no such device, no permission (and
    which group has it), busy. ``say`` takes what it granted; ``library`` opens what OpenCV calls a
    capture.
    """
    wanted = wanted or Camera()
    name = f"camera {device.name if isinstance(device, Path) else device}"
    name = "first camera" if device is None else name
    opener = partial(_open, device, name, wanted, library)
    return LiveSource(opener, name, stop, asked(wanted), say, patient=patient)


def _open(
    device: int | Path | None, name: str, wanted: Camera, library: Callable[..., cv2.VideoCapture]
) -> OpenCVCapture:
    linux = sys.platform.startswith("linux")
    with opening(name, "a camera", _REMEDY):
        which = ""
        if device is None:
            device = first_camera() if linux else 0
            which = f"index {device}"
        if linux:
            device = find_device(Path(f"{DEVICE}{device}") if isinstance(device, int) else device)
        capture = library(device, cv2.CAP_V4L2 if linux else cv2.CAP_ANY)
        if capture.isOpened():
            granted = ", ".join(filter(None, (configure(capture, wanted), which)))
            return OpenCVCapture(capture, name, granted)
        capture.release()
    # Elsewhere than on Linux, this is all that is heard of a camera that is not there.
    raise (SourceError if linux else NoCameraError)(
        f"{name}: expected a camera that opens, found that it doesn't; {_REMEDY}"
    )


def asked(wanted: Camera) -> str:
    """Say for people what is ``wanted`` of a camera: "1280×720, MJPG", empty for nothing."""
    size = f"{wanted.width}×{wanted.height}" if wanted.width else ""
    fps = f"{wanted.fps:.4g} FPS" if wanted.fps else ""
    image_format = "" if wanted.format == "auto" else wanted.format.upper()
    return ", ".join(filter(None, (size, fps, image_format)))


class Properties(Protocol):
    """What asking needs of ``cv2.VideoCapture``."""

    def set(self, key: int, value: float, /) -> bool:
        """Ask for ``value``."""
        ...

    def get(self, key: int, /) -> float:
        """Return what was granted."""
        ...


def configure(capture: Properties, wanted: Camera) -> str:
    """Ask ``capture`` for what is ``wanted``; return the format that it grants, such as "MJPG"."""
    # The format first: which sizes and rates there are depends on it.
    if wanted.format != "auto":
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wanted.format.upper()))
    if wanted.width:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height)
    if wanted.fps:
        capture.set(cv2.CAP_PROP_FPS, wanted.fps)
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = code.to_bytes(4, "little").decode("ascii", "ignore").strip()
    return letters if letters.isprintable() else ""


def first_camera(root: Path = Path("/")) -> int:
    """Return the lowest index of a camera, 0 where there is no video device at all.

    ``root`` holds the machine's /dev and /sys. Further devices of the same camera (its metadata)
    and what is no camera are passed over; raises ``NoCameraError`` where that leaves none.
    """
    found = sorted(
        int(path.name.removeprefix("video"))
        for path in (root / "dev").glob("video*")
        if path.name.removeprefix("video").isdecimal()
    )
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
        group, open_to_it = _group(device)
        who, first = f"group '{group}'", ""
        if not open_to_it:
            who, first = "its owner", f"'sudo chmod g+rw {device}', "
        raise SourceError(
            f"{device}: expected a camera that this user may use, found that only {who} may; "
            f"run {first}'sudo usermod -aG {group} $USER' and log in again"
        )
    return int(number[1])


def _group(device: Path) -> tuple[str, bool]:
    """The group of ``device``, and whether its members may read and write there."""
    status = device.stat()
    try:
        name = device.group()
    except KeyError:
        name = str(status.st_gid)
    return name, status.st_mode & _BY_GROUP == _BY_GROUP
