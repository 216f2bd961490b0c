"""A camera on the network, through PyAV."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from edge.adapters import SourceAdapter
from edge.errors import SourceError, SourceLostError
from edge.sources.decoding import Decoder, find_video, frame_rate, load_av
from edge.sources.live import LiveSource
from edge.types import Image

SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
_OPEN_SECONDS, _READ_SECONDS = 8, 2
_OPTIONS = {"rtsp_flags": "prefer_tcp", "timeout": f"{_OPEN_SECONDS}000000"}  # µs
"""RTSP over TCP, or UDP where the other side cannot do that."""
_REMEDY = "check the address, its user and password, and the network"
_PARTS = re.compile(r"(\w+://)(?:[^@/?#]*@)?([^@?#]*)(?:[?#][^@]*)?")
"""Scheme, user and password, host and path, query; none where an "@" stands in a later part."""


def masked(url: str) -> str:
    """Return ``url`` without user, password and query, for people and files to see."""
    parts = _PARTS.fullmatch(url)
    return f"{parts[1]}{parts[2]}" if parts else f"{url.partition('://')[0]}://…"


def stream_source(url: str) -> LiveSource:
    """Return the stream at ``url``, to be opened by entering it.

    What comes over the network is taken for live, a file on a server too: the newest frame wins.
    """
    name = masked(url)
    return LiveSource(
        partial(StreamCapture, url, name),
        name,
        notice=f"connecting, which may take {_OPEN_SECONDS} s",
        mute="check what sends it: a live stream, or copy the file that it is",
        remedy="check the network and what sends it",
    )


class StreamCapture:
    """An open stream as a ``Capture``; ``name`` is for messages, which hold no password."""

    format = ""

    def __init__(self, url: str, name: str) -> None:
        """Open the stream; raises ``SourceError``."""
        self._name, av = name, load_av()
        self._foreign = (av.FFmpegError, OSError, ValueError)
        try:
            self._container = av.open(
                url,
                options=_OPTIONS,
                # PyAV's own limit of opening asks Python every 0.1 s, also when that is ending.
                timeout=(None, _READ_SECONDS),
                metadata_errors="replace",
            )
        except self._foreign as error:
            raise SourceError(
                f"{name}: expected a stream that opens, found: {_said(error, url)}; {_REMEDY}"
            ) from error
        stream = find_video(self._container)
        if stream is None or stream.codec_context is None:
            self.release()
            raise SourceError(
                f"{name}: expected video, found none that can be decoded; check what sends it"
            )
        for other in self._container.streams:
            if other is not stream:
                other.discard = "all"
        self.fps = frame_rate(stream)
        self._images = self._decode(stream)

    def _decode(self, stream: Any) -> Iterator[Image]:
        decoder = Decoder(stream, "SLICE")
        for packet in self._container.demux(stream):
            if packet.size:  # the last ones are empty
                for image, _ in decoder.decode(packet):
                    yield image

    def read(self) -> Image:
        """Wait for the next image, ``uint8[H, W, 3]`` BGR; raises ``SourceLostError``."""
        try:
            return next(self._images)
        except StopIteration:
            found = "the end of the stream"
        except self._foreign as error:
            found = _said(error)
        raise SourceLostError(
            f"{self._name}: expected a frame, found: {found}; check what sends it"
        )

    def release(self) -> None:
        """Close the connection."""
        self._container.close()


def _said(error: Exception, url: str = "") -> str:
    """What ``error`` says without the address, which may hold a password."""
    av = load_av()
    if isinstance(error, av.ExitError):
        return f"no answer within {_OPEN_SECONDS if url else _READ_SECONDS} s"
    if url and isinstance(error, av.OSError) and (problem := _resolve(url)):
        return problem
    return getattr(error, "strerror", None) or type(error).__name__


def _resolve(url: str) -> str:
    """Say what is wrong with the host's name, of which FFmpeg makes an "Input/output error"."""
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def _check(address: str, _: object, __: object) -> str:
    load_av()
    return f"{masked(address)}, not tried: only 'run' opens it"


ADAPTER = SourceAdapter(
    "stream",
    matches=lambda address: address.lower().startswith(SCHEMES),
    open=lambda address, _, __: stream_source(address),
    check=_check,
)
