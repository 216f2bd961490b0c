"""Streams over HTTP from a real server, which stalls and comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import pytest

from edge.errors import SourceError
from edge.frames import Frame, Outage
from edge.sources.stream import is_stream, masked, stream_source
from tests.edge.network_camera import Camera


def never() -> bool:
    return False


def until(stream: Iterator[Frame | Outage], kind: type[Frame | Outage]) -> Frame | Outage:
    return next(item for item in stream if isinstance(item, kind))


def test_a_stream_gives_its_newest_frames() -> None:
    with Camera() as camera, stream_source(camera.url, never) as source:
        assert source.description.startswith(f"{camera.url} (160×120, ")
        stream = iter(source)
        given = [next(stream) for _ in range(5)]
    assert all(isinstance(item, Frame) for item in given)
    assert abs(float(given[0].image.mean()) - 90) < 5  # type: ignore[union-attr]


def test_a_stalled_stream_is_lost_in_time_and_comes_back() -> None:
    with Camera() as camera, stream_source(camera.url, never) as source:
        stream = iter(source)
        until(stream, Frame)
        camera.stalls.set()
        outage = until(stream, Outage)
        assert isinstance(outage, Outage)
        assert 1 < time.monotonic() - outage.since < 2
        assert "check the network" in outage.reason
        camera.stalls.clear()
        assert isinstance(until(stream, Frame), Frame)


def test_a_camera_that_was_switched_off_and_on_comes_back() -> None:
    with Camera() as camera, stream_source(camera.url, never) as source:
        stream = iter(source)
        until(stream, Frame)
        camera.__exit__()
        outage = until(stream, Outage)
        assert isinstance(outage, Outage)
        assert 1 < time.monotonic() - outage.since < 2
        refused = (item for item in stream if isinstance(item, Outage) and "opens" in item.reason)
        assert "expected a stream that opens" in next(refused).reason
        with Camera(camera.port):
            frame = until(stream, Frame)
    assert isinstance(frame, Frame)
    assert frame.index > 0


def test_a_stream_that_takes_a_while_to_open_says_so_once() -> None:
    said: list[str] = []
    heard = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        heard.set()

    def slow(*arguments: Any) -> cv2.VideoCapture:
        assert heard.wait(5)
        return cv2.VideoCapture(*arguments)

    with Camera() as camera:
        with stream_source(camera.url, never, say=say, library=slow, soon=0.01) as source:
            stream = iter(source)
            until(stream, Frame)
            camera.stalls.set()
            until(stream, Outage)
            camera.stalls.clear()
            until(stream, Frame)
        assert said[0] == f"{camera.url}: connecting, which may take 8 s"
        assert [line for line in said if "connecting" in line] == said[:1]
        with stream_source(camera.url, never, say=said.append) as source:
            until(iter(source), Frame)
    assert "connecting" not in said[-1]


def test_the_end_does_not_wait_for_a_stalled_stream() -> None:
    with Camera() as camera:
        with stream_source(camera.url, never) as source:
            until(iter(source), Frame)
            camera.stalls.set()
            time.sleep(0.2)
            start = time.monotonic()
        assert time.monotonic() - start < 1


def test_an_address_without_a_server_is_refused_at_once_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        port = taken.getsockname()[1]
        source = stream_source(f"http://me:secret@127.0.0.1:{port}/live?key=secret", never)
        start = time.monotonic()
        with pytest.raises(SourceError, match=rf"^http://127\.0\.0\.1:{port}/live: expected") as e:
            source.__enter__()
        assert time.monotonic() - start < 2
    assert "secret" not in str(e.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera.local:554/1", "rtsp://camera.local:554/1"),
        ("rtsp://me:secret@camera.local/1", "rtsp://camera.local/1"),
        ("https://camera.local/video?user=me&password=secret", "https://camera.local/video"),
        ("rtsp://me:se@cret@camera.local/1", "rtsp://…"),
        ("rtsp://me:se/cret@camera.local/1", "rtsp://…"),
        ("rtsp://me:se?cret@camera.local/1", "rtsp://…"),
        ("rtsp://me:se#cret@camera.local/1", "rtsp://…"),
        ("http://camera.local/?password=se@cret", "http://…"),
        ("http://me:secret@[::1/1", "http://[::1/1"),
    ],
)
def test_passwords_are_never_shown(url: str, shown: str) -> None:
    assert is_stream(url)
    assert masked(url) == shown
    assert stream_source(url, never).description == shown
