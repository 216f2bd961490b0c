"""A window on the screen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

import cv2

from edge.errors import SinkError
from edge.frames import Frame, FrameResult, Outage
from edge.places import advice

TITLE = "Expressions"
_ESCAPE = 27
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1)"
_PROBE_SECONDS = 20
_OTHER_OPENCV = advice(
    "install requirements/opencv.txt",
    "'pip uninstall opencv-python-headless', then 'pip install opencv-python'",
)
_SLICE = 0.1
"""How long one wait lasts before the wish to stop is looked at, seconds."""


def display_problem(
    environment: Mapping[str, str] = os.environ, stop: Callable[[], bool] = lambda: False
) -> str | None:
    """Return why no window can be opened, None where one can.

    Asked before the first call that draws: without a display, OpenCV's GUI doesn't raise but aborts
    the process. A display that is named but doesn't answer is found out in a process of its own;
    ``stop`` is asked while that is waited for.
    """
    if not cv2.currentUIFramework():
        return f"this OpenCV is built without windows; {_OTHER_OPENCV}"
    linux = sys.platform.startswith("linux")
    if linux and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "neither DISPLAY nor WAYLAND_DISPLAY is set; start it on a desktop"
    if linux and not _opens_window(environment, stop):
        return "the display doesn't answer; check DISPLAY and its permissions"
    return None


def _opens_window(environment: Mapping[str, str], stop: Callable[[], bool]) -> bool:
    command = [sys.executable, "-c", _PROBE]
    try:
        probe = subprocess.Popen(
            command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    deadline = time.monotonic() + _PROBE_SECONDS
    while not stop() and time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            return probe.wait(_SLICE) == 0
    probe.kill()
    probe.wait()
    return False


class WindowSink:
    """Shows the pictures; q, Esc or closing the window calls ``stop``."""

    def __init__(
        self,
        stop: Callable[[], None],
        title: str = TITLE,
        gui: Any = cv2,
        problem: Callable[[], str | None] = display_problem,
    ) -> None:
        """Name the window; nothing is opened yet.

        ``gui`` has OpenCV's functions for windows, ``problem`` says why there can be none.
        """
        self._stop, self._title, self._gui = stop, title, gui
        self._problem = problem
        self._sized = self._asking = False

    def __enter__(self) -> Self:
        """Open the window; raises ``SinkError`` where there is no display."""
        problem = self._problem()
        if problem:
            raise SinkError(f"window: expected a display, found that {problem}")
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        with self._asked():
            self._gui.namedWindow(self._title, flags)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the window, if it is still open; not from within a call that ends the process."""
        if self._asking:
            return
        with self._asked():
            if self._visible():
                self._gui.destroyWindow(self._title)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show ``frame.image`` and look at the keys."""
        with self._asked():
            if not self._visible():
                self._stop()
                return
            if not self._sized:
                self._gui.resizeWindow(self._title, frame.image.shape[1], frame.image.shape[0])
                self._sized = True
            self._gui.imshow(self._title, frame.image)
            self._look_at_keys()

    def lost(self, outage: Outage) -> None:
        """Show nothing: ``Annotated`` gives what is to be seen of an outage as a picture."""

    def attend(self) -> None:
        """Look at the keys and whether it was closed, while there is no picture to show."""
        if not self._sized:
            return
        with self._asked():
            if self._visible():
                self._look_at_keys()
            else:
                self._stop()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Note that the GUI is asked: it may never answer (``edge.last_words``)."""
        self._asking = True
        try:
            yield
        finally:  # not where the process ends meanwhile: that unwinds no Python
            self._asking = False

    def _look_at_keys(self) -> None:
        if self._gui.waitKey(1) & 0xFF in (ord("q"), _ESCAPE):
            self._stop()

    def _visible(self) -> bool:
        try:
            return bool(self._gui.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:  # Qt's answer once its last window is closed
            return False
