"""A window on the screen."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import cv2

from edge.assets import advice
from edge.errors import SinkError, first_line
from edge.protocols import BaseSink
from edge.types import Frame, FrameResult, Image, Outage

TITLE = "Expressions"
_ESCAPE = 27
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1)"
_PROBE_SECONDS = 20
_LARGEST = 1280, 720
"""Pixels that a window opens with at the most."""
_STILL = 1.0
"""Seconds that a still frame is shown."""
_LATE = 0.5
"""Seconds that a file may lag, by a pause or by slow work, before it is no more hurried after."""
_ADVICE = advice(
    "run 'rm -r .venv/edge' and then 'make run-edge OPENCV=opencv', which needs libGL",
    "uninstall opencv-python-headless, then install opencv-python",
)
_SLICE = 50
"""Milliseconds between two looks at whether to stop."""


def is_desktop(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window is to be expected here."""
    named = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    return not sys.platform.startswith("linux") or bool(named)


def display_problem(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return why no window can be opened, None where one can.

    A display that does not answer is found out in a process of its own: OpenCV would abort this
    one.
    """
    if not cv2.currentUIFramework():
        return f"this OpenCV is built without windows; {_ADVICE}"
    if not is_desktop(environment):
        return "neither DISPLAY nor WAYLAND_DISPLAY is set; start it on a desktop"
    if not sys.platform.startswith("linux"):
        return None
    try:
        subprocess.run(
            [sys.executable, "-c", _PROBE],
            env=dict(environment),
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "the display does not answer; check DISPLAY and its permissions"
    return None


class WindowSink(BaseSink):
    """Shows the pictures; q, Esc or closing a window calls ``stop``.

    Of several live sources each has a window of its own. A file plays at its own pace and the
    space bar pauses it. A still frame is shown for a second or until a key is pressed, the last one
    until then.
    """

    def __init__(
        self,
        stop: Callable[[], None],
        stopped: Callable[[], bool],
        gui: Any = cv2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``stopped`` says whether the run is to end, for whatever reason.

        ``gui`` has OpenCV's functions for windows.
        """
        self._stop, self._stopped = stop, stopped
        self._gui, self._clock = gui, clock
        self._titles: dict[str, str] = {}
        """Of the window of each live source."""
        self._shapes: dict[str, tuple[int, ...]] = {}
        """Of the picture in each window, by its title."""
        self._source: str | None = None
        self._still = False
        self._start = 0.0
        """When the time of the source was 0, by the clock."""
        self._until = 0.0
        """How long the picture on the screen stays at least, by the clock."""

    def __enter__(self) -> Self:
        """Open the window, if ``display_problem`` is None; raises ``SinkError``."""
        with _converting():
            self._open(TITLE)
        return self

    def __exit__(self, *problem: object) -> None:
        """Close the window, after a key where a still frame is in it; raises ``SinkError``."""
        with _converting():
            if self._still and not any(problem):
                self._wait_until(math.inf)
            for title in self._shapes:
                if self._visible(title):
                    self._gui.destroyWindow(title)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Show ``frame.image`` when it is due, and look at the keys; raises ``SinkError``."""
        with _converting():
            if not frame.live:
                self._wait_until(self._due(frame))
                late = self._clock() - self._start - frame.time
                self._start += late if late > _LATE else 0.0
            if self._stopped() or not self._is_open():
                return
            self._show(frame.image, self._title(frame))
            self._key(1)
            self._still = frame.still
            self._until = self._clock() + _STILL if frame.still else 0.0

    def lost(self, outage: Outage) -> None:
        """Look at the keys: ``Drawn`` gives what is to be seen of an outage as a picture."""
        with _converting():
            if self._is_open():
                self._key(1)

    def _due(self, frame: Frame) -> float:
        """When to show ``frame``, by the clock."""
        if frame.source != self._source:
            self._source = frame.source
            self._start = max(self._clock(), self._until) - frame.time
        return max(self._start + frame.time, self._until)

    def _open(self, title: str) -> None:
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        self._gui.namedWindow(title, flags)
        self._shapes[title] = ()

    def _title(self, frame: Frame) -> str:
        """Return that of the window for ``frame``, which is open then."""
        if not frame.live:
            return TITLE
        if frame.source not in self._titles:
            title = f"{TITLE}: {frame.source}" if self._titles else TITLE
            self._titles[frame.source] = title
            if title != TITLE:
                self._open(title)
        return self._titles[frame.source]

    def _show(self, image: Image, title: str) -> None:
        if self._shapes.get(title) != image.shape:
            self._shapes[title], (height, width) = image.shape, image.shape[:2]
            scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
            self._gui.resizeWindow(title, round(width * scale), round(height * scale))
        self._gui.imshow(title, image)

    def _wait_until(self, due: float) -> None:
        """Look at the keys until ``due``: the space bar pauses, any key ends a still frame."""
        while not self._stopped() and self._clock() < due and self._is_open():
            key = self._key(math.ceil(min((due - self._clock()) * 1e3, _SLICE)))
            if key == ord(" ") and due < math.inf:
                due = math.inf
            elif key >= 0 and (self._still or due == math.inf):
                return

    def _key(self, milliseconds: int) -> int:
        """Wait so long for a key and return it, negative where there was none."""
        key = int(self._gui.waitKey(max(milliseconds, 1)))
        if key >= 0 and key & 0xFF in (ord("q"), _ESCAPE):
            self._stop()
        return key

    def _is_open(self) -> bool:
        """Whether every window is there; where somebody has closed one, the run is to stop."""
        if not all(map(self._visible, self._shapes)):
            self._stop()
            return False
        return True

    def _visible(self, title: str) -> bool:
        try:
            return bool(self._gui.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:  # Qt's answer once its last window is closed
            return False


@contextmanager
def _converting() -> Iterator[None]:
    try:
        yield
    except cv2.error as error:
        raise SinkError(
            f"window: expected to show a picture, found: {first_line(error)}; run with "
            "'--display off'"
        ) from error
