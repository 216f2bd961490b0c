"""A camera on the network."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import cv2

from edge.errors import SourceError
from edge.sources.capture import OpenCVCapture, opening
from edge.sources.live import LiveSource

SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
_OPEN_SECONDS = 8
_TIMEOUTS = (
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * _OPEN_SECONDS),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000),
)
"""30 s otherwise, for which a reader that was given up would keep its connection."""
_REMEDY = "check the address, its user and password, and the network"
_PARTS = re.compile(r"(\w+://)(?:[^@/?#]*@)?([^@?#]*)(?:[?#][^@]*)?")
"""Scheme, user and password, host and path, query; none where an "@" stands in a later part."""


def is_stream(name: str) -> bool:
    """Whether ``name`` is the address of a stream."""
    return name.lower().startswith(SCHEMES)


def stream_source(
    url: str,
    stop: Callable[[], bool],
    patient: bool = False,
    say: Callable[[str], None] = lambda _: None,
    library: Callable[..., cv2.VideoCapture] = cv2.VideoCapture,
    soon: float = 1.0,
) -> LiveSource:
    """Return the stream at ``url``, to be opened by entering it.

    What comes over the network is taken for live: the newest frame wins. RTSP goes over TCP where
    the other side can do that, unless OPENCV_FFMPEG_CAPTURE_OPTIONS says something else.
    ``say`` takes what it turns out to be, and that it is being opened where that takes longer than
    ``soon`` seconds; ``library`` opens what OpenCV calls a capture.
    """
    name = masked(url)
    return LiveSource(
        _Opener(url, name, library, say, soon),
        name,
        stop,
        say=say,
        patient=patient,
        remedy="check the network and what sends it",
        mute="check what sends it: a live stream, or copy the file that it is",
    )


def masked(url: str) -> str:
    """Return ``url`` without user, password and query, for people and files to see."""
    parts = _PARTS.fullmatch(url)
    return f"{parts[1]}{parts[2]}" if parts else f"{url.partition('://')[0]}://…"


class _Opener:
    """Opens the stream; where that takes longer than ``soon`` the first time, ``say`` is told."""

    def __init__(
        self,
        url: str,
        name: str,
        library: Callable[..., cv2.VideoCapture],
        say: Callable[[str], None],
        soon: float,
    ) -> None:
        self._url, self._name, self._library = url, name, library
        line = f"{name}: connecting, which may take {_OPEN_SECONDS} s"
        self._notice = threading.Timer(soon, say, [line])
        self._notice.daemon = True

    def __call__(self) -> OpenCVCapture:
        """Return the open stream; raises ``SourceError``."""
        if self._notice.ident is None:
            self._notice.start()
        try:
            with opening(self._name, "a stream", _REMEDY):
                capture = self._library(self._url, cv2.CAP_FFMPEG, _TIMEOUTS)
                if capture.isOpened():
                    return OpenCVCapture(capture, self._name)
                capture.release()
        finally:
            self._notice.cancel()
        raise SourceError(
            f"{self._name}: expected a stream that opens, found that it doesn't; {_REMEDY}"
        )
