"""A camera on the network, through PyAV."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from edge.adapters import MOST_PIXELS, SourceAdapter
from edge.errors import SourceError, SourceLostError
from edge.sources.decoding import (
    Decoder,
    find_video,
    format_limit,
    frame_rate,
    load_av,
    pixel_limit,
)
from edge.sources.live import LiveSource
from edge.sources.pixels import size_problem
from edge.types import Image

SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
_OPEN_SECONDS, _READ_SECONDS = 8, 2
_TIMEOUT = {"timeout": f"{_OPEN_SECONDS}000000"}  # µs
_RTSP = {**_TIMEOUT, "rtsp_flags": "prefer_tcp"}
"""Over TCP, or UDP where the other side cannot do that."""
_HTTP = {
    **_TIMEOUT,
    "max_redirects": "0",
    "protocol_whitelist": "http,https,httpproxy,tcp,tls,crypto",
}
"""Nothing leads to another server than the one that is named, or to a file."""
_REMEDY = "check the address, its user and password, and the network"
_PARTS = re.compile(r"(\w+://)(?:[^@/?#]*@)?([^@?#]*)(?:[?#][^@]*)?")
"""Scheme, user and password, host and path, query; none where an "@" stands in a later part."""


def masked(url: str) -> str:
    """Return ``url`` without user, password and query, for people and files to see."""
    parts = _PARTS.fullmatch(url)
    return f"{parts[1]}{parts[2]}" if parts else f"{url.partition('://')[0]}://…"


def stream_source(url: str, max_pixels: int = MOST_PIXELS) -> LiveSource:
    """Return the stream at ``url``, to be opened by entering it.

    What comes over the network is taken for live, a file on a server too: the newest frame wins.
    """
    name = masked(url)
    return LiveSource(
        partial(StreamCapture, url, name, max_pixels),
        name,
        notice=f"connecting, which may take {_OPEN_SECONDS} s",
        mute=f"check what sends it: a live stream of at most {max_pixels / 1e6:g} megapixels, "
        "or copy the file that it is",
        remedy="check the network and what sends it",
    )


def _options(url: str, max_pixels: int) -> dict[str, str]:
    """Return FFmpeg's options for opening ``url``.

    A playlist is read only where that is what ``url`` says it is: it names other addresses.
    """
    if not _is_http(url):
        return {**_RTSP, **pixel_limit(max_pixels)}
    playlist = urlsplit(url).path.lower().endswith(".m3u8")
    return {**_HTTP, **format_limit(["hls"] * playlist), **pixel_limit(max_pixels)}


def _is_http(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


class StreamCapture:
    """An open stream as a ``Capture``; ``name`` is for messages, which hold no password."""

    format = ""

    def __init__(self, url: str, name: str, max_pixels: int = MOST_PIXELS) -> None:
        """Open the stream; raises ``SourceError``."""
        self._name, av = name, load_av()
        self._foreign = (av.FFmpegError, OSError, ValueError)
        try:
            self._container = av.open(
                url,
                options=_options(url, max_pixels),
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
        codec = stream.codec_context
        if problem := size_problem(codec.width, codec.height, max_pixels):
            self.release()
            raise SourceError(f"{name}: {problem}")
        for other in self._container.streams:
            if other is not stream:
                other.discard = "all"
        self.fps = frame_rate(stream)
        self._images = self._decode(stream, max_pixels)

    def _decode(self, stream: Any, max_pixels: int) -> Iterator[Image]:
        decoder = Decoder(stream, "SLICE", max_pixels=max_pixels)
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
    if url and isinstance(error, av.OSError | ValueError) and (problem := _resolve(url)):
        return problem
    if _is_http(url) and isinstance(error, av.ArgumentError):
        return "a list of other addresses, which are not followed"
    if _is_http(url) and isinstance(error, av.OSError) and error.errno == errno.EIO:
        return "no video, or a redirect, which is not followed: name the address that it leads to"
    return getattr(error, "strerror", None) or type(error).__name__


def _resolve(url: str) -> str:
    """Say what is wrong with the host's name, of which FFmpeg makes an "Input/output error"."""
    try:
        parts = urlsplit(url)
        socket.getaddrinfo(parts.hostname, parts.port)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def _check(address: str, *_: object) -> str:
    load_av()
    return f"{masked(address)}, not tried: only 'run' opens it"


ADAPTER = SourceAdapter(
    "stream",
    matches=lambda address: address.lower().startswith(SCHEMES),
    open=lambda address, _, limits: stream_source(address, limits.max_pixels),
    check=_check,
)
