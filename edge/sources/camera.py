"""A camera through OpenCV."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import cv2

from edge.errors import NoCameraError, SourceError
from edge.sources.live import Capture, LiveSource


def camera_source(index: int, stop: Callable[[], bool]) -> LiveSource:
    """Return the camera with this ``index``, to be opened by entering it.

    Opening raises ``SourceError``: no such device, no permission (and which group has it), busy.
    """
    return LiveSource(partial(_open, index), f"camera {index}", stop)


def _open(index: int) -> Capture:
    linux = sys.platform.startswith("linux")
    if linux:
        check_device(Path(f"/dev/video{index}"))
    capture = cv2.VideoCapture(index, cv2.CAP_V4L2 if linux else cv2.CAP_ANY)
    if not capture.isOpened():
        capture.release()
        # Elsewhere than on Linux, this is all that is heard of a camera that is not there.
        raise (SourceError if linux else NoCameraError)(
            f"camera {index}: expected a camera that opens, found that it doesn't; "
            "close other programs that use it, or choose another index"
        )
    # V4L2 keeps four frames, which are stale by the time that they are read.
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return cast(Capture, capture)


def check_device(device: Path, access: Callable[[Path, int], bool] = os.access) -> None:
    """Raise ``SourceError`` with advice where ``device`` isn't there or may not be used.

    ``access`` says whether this user may use a path in a mode.
    """
    if not device.exists():
        others = sorted(path.name for path in device.parent.glob("video*"))
        raise NoCameraError(
            f"{device}: expected a camera, found no such device"
            + (f" (there are {', '.join(others)})" if others else "")
            + "; plug one in, or choose another source"
        )
    if not access(device, os.R_OK | os.W_OK):
        group = _group(device)
        raise SourceError(
            f"{device}: expected a camera that this user may use, found that only group '{group}' "
            f"may; run 'sudo usermod -aG {group} $USER' and log in again"
        )


def _group(device: Path) -> str:
    try:
        return device.group()
    except KeyError:
        return str(device.stat().st_gid)
