"""A Raspberry Pi's own camera, through picamera2."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.adapters import SourceAdapter
from edge.errors import NoCameraError, SourceError, SourceLostError, first_line
from edge.sources.camera import CameraOptions
from edge.sources.live import LiveSource
from edge.types import Image

NAME = "picamera"
_SIZE = (640, 480)
_FPS = 30.0
_WAIT = 1.0
"""How long a read may block, seconds."""
_FOREIGN = (RuntimeError, OSError, LookupError, ValueError, TypeError, AttributeError, cv2.error)
"""What picamera2 and the binding below it raise; neither says which of them when."""


def picamera_source(
    number: int,
    options: CameraOptions | None = None,
    load: Callable[[], Package] | None = None,
) -> LiveSource:
    """Return the Raspberry Pi's camera ``number``, to be opened by entering it.

    ``load`` returns what is used of the package.
    """
    options, name = options or CameraOptions(), f"{NAME} {number}"
    opener = partial(PiCapture, number, name, options, load or load_picamera2)
    return LiveSource(opener, name, str(options))


class Package(NamedTuple):
    """What is used of picamera2: its class, and how libcamera calls the video range of BT.601."""

    camera: Any
    colour_space: Any


def load_picamera2() -> Package:
    """Import the package, which only the system's packager has; raises ``SourceError``."""
    try:
        # There are none but on a Raspberry Pi; the second comes with the first.
        from libcamera import ColorSpace  # noqa: PLC0415
        from picamera2 import Picamera2  # noqa: PLC0415
    except (ImportError, ValueError) as error:  # ValueError: built for another NumPy
        raise SourceError(
            f"{NAME}: expected the package picamera2, found: {first_line(error)}; run 'sudo apt "
            "install python3-picamera2' and make the environment with 'python3 -m venv "
            "--system-site-packages'"
        ) from error
    return Package(Picamera2, ColorSpace.Smpte170m())


class PiCapture:
    """An open Raspberry Pi camera as a ``Capture``.

    Its processor scales the picture down by itself (``lores``) and hands it over as YUV 4:2:0. That
    is converted to BGR once, which the detector and the overlay need: with the video range (BT.601,
    16…235) that is asked for here, the grey that the crop makes of it is the luma plane, stretched
    to 0…255 as training saw it.
    """

    def __init__(
        self, number: int, name: str, options: CameraOptions, load: Callable[[], Package]
    ) -> None:
        """Open the camera and start it; raises ``SourceError``."""
        self.fps, self.format = options.fps or _FPS, "YUV420"
        self._name = name
        package = load()
        self._camera = _camera(number, name, package.camera)
        try:
            self._camera.configure(_configuration(self._camera, options, self.fps, package))
            self._camera.start()
            self._width = int(self._camera.camera_configuration()["lores"]["size"][0])
        except _FOREIGN as error:
            self.release()
            raise _refused(name, error) from error

    def read(self) -> Image | None:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; raises ``SourceLostError``."""
        try:
            return to_bgr(self._camera.capture_array("lores", wait=_WAIT), self._width)
        except TimeoutError:
            return None
        except _FOREIGN as error:
            raise SourceLostError(
                f"{self._name}: expected a frame, found: {first_line(error)}; check its cable"
            ) from error

    def release(self) -> None:
        """Stop the camera and close it."""
        # A read that timed out is still queued, and closing waits behind it: for ever where no more
        # frames come. Both the time-out and the remedy came after 0.3.18.
        with suppress(*_FOREIGN):
            self._camera.cancel_all_and_flush()
        with suppress(*_FOREIGN):  # it is gone
            self._camera.close()


def _camera(number: int, name: str, library: Any) -> Any:
    try:
        found = len(library.global_camera_info())
        if number < found:
            return library(number)
    except _FOREIGN as error:
        raise _refused(name, error) from error
    raise NoCameraError(
        f"{name}: expected a camera of that number, found {found} in all; check its ribbon "
        "cable, and 'rpicam-hello --list-cameras'"
    )


def to_bgr(planes: NDArray[np.uint8], width: int) -> Image:
    """``uint8[3 H / 2, stride]`` YUV 4:2:0 (planes of Y, U, V) → ``uint8[H, width, 3]`` BGR.

    ``stride`` is ``width`` and what the hardware adds to fill a row.
    """
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)[:, :width], np.uint8)


def _configuration(camera: Any, options: CameraOptions, fps: float, package: Package) -> Any:
    size = (options.width, options.height) if options.width else _SIZE
    width, height = camera.sensor_resolution
    duration = round(1e6 / fps)
    return camera.create_video_configuration(
        main={"size": size, "format": "YUV420"},  # nobody reads it; lores may not be larger
        lores={"size": size, "format": "YUV420"},
        # Half the sensor's pixels a side: fast, and the whole field of view, which the mode that is
        # nearest to a small picture often cuts.
        sensor={"output_size": (width // 2, height // 2)},
        controls={"FrameDurationLimits": (duration, duration)},  # µs
        colour_space=package.colour_space,  # from 720 rows on it would be BT.709 by itself
        buffer_count=4,
    )


def _refused(name: str, error: Exception) -> SourceError:
    return SourceError(
        f"{name}: expected a camera that opens, found: {first_line(error)}; "
        "close other programs that use it, or choose another size"
    )


def _number(address: str) -> int | None:
    """The camera that ``address`` ("picamera", "picamera:1") names, None where it names none."""
    kind, _, number = address.partition(":")
    return int(number or 0) if kind == NAME and re.fullmatch(r"\d{0,9}", number) else None


def _check(address: str, *_: object) -> str:
    load_picamera2()
    return f"{NAME} {_number(address)}, not tried: only 'run' opens it"


ADAPTER = SourceAdapter(
    NAME,
    matches=lambda address: _number(address) is not None,
    open=lambda address, options, _: picamera_source(_number(address) or 0, options),
    check=_check,
    options=CameraOptions,
    table="camera",
)
