"""Streams over HTTP from a real server, which stalls and comes back; how processes end then."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TypeVar

import pytest

from edge.adapters import MOST_PIXELS
from edge.errors import SourceError
from edge.sources import find_adapter
from edge.sources.stream import masked, stream_source
from edge.types import Frame, Outage
from tests.edge.sources.media import INTERLACED, comb, combed, ramp, write_video
from tests.edge.sources.network_camera import Camera

Kind = TypeVar("Kind", Frame, Outage)


def until(stream: Iterator[Frame | Outage], kind: type[Kind], reason: str = "") -> Kind:
    """The next item of that kind; of outages one whose reason holds ``reason``."""
    due = time.monotonic() + 30
    for item in stream:
        assert time.monotonic() < due, "it comes in time"
        if isinstance(item, kind) and (kind is Frame or reason in item.reason):  # type: ignore[union-attr]
            return item
    raise AssertionError("the source ended")


def refusal(url: str, max_pixels: int = MOST_PIXELS) -> str:
    start = time.monotonic()
    with stream_source(url, max_pixels) as source, pytest.raises(SourceError) as error:
        until(iter(source), Frame)
    assert time.monotonic() - start < 5
    return str(error.value)


def test_a_stream_gives_its_newest_frames() -> None:
    with Camera() as camera, stream_source(camera.url) as source:
        stream = iter(source)
        given = [until(stream, Frame) for _ in range(5)]
        assert source.description.startswith(f"{camera.url} (160×120")
    assert given[0].source == camera.url
    assert abs(float(given[0].image.mean()) - 90) < 5
    assert 0 < given[-1].time < 2  # the first ones may come in a burst


def test_a_stalled_stream_is_lost_in_time_and_comes_back() -> None:
    with Camera() as camera, stream_source(camera.url) as source:
        stream = iter(source)
        until(stream, Frame)
        camera.stalls.set()
        outage = until(stream, Outage, "check the network")
        assert 1.7 < outage.age < 2.1
        camera.stalls.clear()
        assert until(stream, Frame).time > 1.7


def test_a_camera_that_was_switched_off_and_on_comes_back() -> None:
    with Camera() as camera, stream_source(camera.url) as source:
        stream = iter(source)
        until(stream, Frame)
        camera.__exit__()
        until(stream, Outage, "refused")
        with Camera(camera.port):
            frame = until(stream, Frame)
    assert frame.index > 0


def test_a_file_on_a_server_is_taken_for_live_and_has_ended(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", combed(30), "mpeg2video", options=INTERLACED)
    with Camera(content=path.read_bytes()) as camera:
        url = camera.url.replace("/live", "/file")
        with stream_source(url) as source:
            stream = iter(source)
            frame = until(stream, Frame)
            outage = until(stream, Outage, "end of the stream")
    assert comb(frame.image) < 25, "interlaced, and made whole"
    assert frame.image.max() > 150
    assert f"{url}: expected a frame, found: the end of the stream" in outage.reason


def test_a_stream_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", ramp(20, 96, 64))
    with Camera(content=path.read_bytes()) as camera:
        said = refusal(camera.url.replace("/live", "/file"), 6000)
    assert "/file: expected at most 0.006 megapixels, found 96×64; scale it down" in said


def test_an_address_without_a_server_is_refused_at_once_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        port = taken.getsockname()[1]
        said = refusal(f"http://me:secret@127.0.0.1:{port}/live?key=secret")
    assert said.startswith(
        f"http://127.0.0.1:{port}/live: expected a stream that opens, found: Con"
    )
    assert "Connection refused; check the address, its user and password" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("404", "Server returned 404 Not Found"),
        ("401", "Server returned 401 Unauthorized"),
        ("503", "Server returned 5XX Server Error"),
        ("file", "Invalid data found"),
    ],
)
def test_a_refusal_says_what_the_server_says(path: str, found: str) -> None:
    with Camera(content=b"no video\n" * 1000) as camera:
        said = refusal(camera.url.replace("live", path).replace("//", "//me:secret@"))
    assert found in said
    assert "secret" not in said


@pytest.mark.parametrize("elsewhere", ["/live", "http://127.0.0.1:{}/live"])
def test_a_redirect_is_not_followed(elsewhere: str) -> None:
    with Camera() as camera, Camera() as other:
        camera.elsewhere = elsewhere.format(other.port)
        said = refusal(camera.url.replace("live", "moved"))
        assert camera.asked == other.asked == 0
    assert "or a redirect, which is not followed: name the address that it leads to" in said


def test_a_camera_that_answers_with_a_list_leads_nowhere() -> None:
    with Camera() as camera, Camera() as other:
        part = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other.url}\n#EXT-X-ENDLIST\n"
        camera.content, camera.kind = part.encode(), "application/vnd.apple.mpegurl"
        said = refusal(camera.url.replace("live", "file"))
        assert other.asked == 0
    assert "found: a list of other addresses, which are not followed" in said


@pytest.mark.parametrize(
    ("host", "found"), [("x:99999", "Port out of range"), ("[::1", "Invalid IPv6 URL")]
)
def test_an_address_that_is_none_is_said(host: str, found: str) -> None:
    assert found in refusal(f"http://{host}/live")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_name_that_is_not_found_is_said(scheme: str) -> None:
    said = refusal(f"{scheme}://me:secret@nowhere.invalid/live")
    assert "Input/output error" not in said
    assert "secret" not in said
    assert said.startswith(f"{scheme}://nowhere.invalid/live: expected a stream that opens")


class _Rtsp(StreamRequestHandler):
    """A camera that has one stream, notes by which transport it is asked for, and refuses."""

    server: RtspCamera

    def handle(self) -> None:
        while lines := list(iter(lambda: self.rfile.readline().decode().strip(), "")):
            fields = dict(line.split(": ", 1) for line in lines[1:])
            status, body = "200 OK", ""
            if lines[0].startswith("DESCRIBE"):
                body = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 26\r\na=control:1\r\n"
            elif lines[0].startswith("SETUP"):
                self.server.transports.append(fields["Transport"])
                status = "461 Unsupported Transport"
            head = f"RTSP/1.0 {status}\r\nCSeq: {fields['CSeq']}\r\nPublic: DESCRIBE, SETUP\r\n"
            kind = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(f"{head}{kind}{body}".encode())


class RtspCamera(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Rtsp)
        self.transports: list[str] = []


def test_rtsp_is_tried_over_tcp_first_and_then_over_udp() -> None:
    with RtspCamera() as camera:
        threading.Thread(target=camera.serve_forever, args=(0.02,), daemon=True).start()
        said = refusal(f"rtsp://127.0.0.1:{camera.server_address[1]}/1")
        camera.shutdown()
    assert [t.split(";")[0] for t in camera.transports[:2]] == ["RTP/AVP/TCP", "RTP/AVP/UDP"]
    assert "expected a stream that opens" in said


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
    assert find_adapter(url).name == "stream"
    assert masked(url) == shown
    assert stream_source(url).description == shown


# How a process ends that reads a stream

RUN = """
import os, signal, sys
from edge.sources.live import unfinished_reads
from edge.sources.stream import stream_source

stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
print("ready", flush=True)
with stream_source(sys.argv[1]) as source:
    for item in source:
        if stop:
            break
sys.stdout.flush()
if {early} and unfinished_reads():
    os._exit(0)
"""


def end_of(repository: Path, url: str, after: float, early: bool) -> tuple[int, str, float]:
    """Exit code and error output of a run that SIGTERM ends, and how long that took."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(early=early), url],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)  # the moment is what varies here
    start = time.monotonic()
    process.terminate()
    _, err = process.communicate(timeout=30)
    return process.returncode, err, time.monotonic() - start


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stalls", "slow", "silent"])
def test_a_signal_at_any_moment_ends_a_program_within_a_second(repository: Path, kind: str) -> None:
    moments = random.Random(kind)
    with Camera() as camera, socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}/live"
        url = silent_url if kind == "silent" else f"{camera.url}?{kind}"
        ends = [end_of(repository, url, moments.uniform(0, 2.5), early=True) for _ in range(6)]
    assert {(code, err) for code, err, _ in ends} == {(0, "")}
    assert max(seconds for *_, seconds in ends) < 1


@pytest.mark.slow
def test_a_program_that_knows_nothing_of_readers_ends_well_too(repository: Path) -> None:
    moments = random.Random(0)
    with Camera() as camera:
        url = f"{camera.url}?stalls"
        ends = [end_of(repository, url, moments.uniform(0, 2.5), early=False) for _ in range(4)]
    assert {(code, err) for code, err, _ in ends} == {(0, "")}
    assert max(seconds for *_, seconds in ends) < 4
