"""Runs of the real command line with a stream: how they end, and how they ask for it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.edge.fakes import levels
from tests.edge.network_camera import Camera
from tests.edge.processes import finish, start


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """What it says after that signal, which ends it within a second and without a complaint."""
    asked = time.monotonic()
    process.send_signal(number)
    code, out, err = finish(process)
    assert time.monotonic() - asked < 1
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize(
    ("number", "state", "suffix"),
    [
        (signal.SIGINT, "next try in", ".avi"),
        (signal.SIGINT, "trying now", ".mkv"),
        (signal.SIGTERM, "trying now", ".mp4"),
    ],
)
def test_a_signal_during_an_outage_ends_it_cleanly_and_at_once(
    repository: Path, tmp_path: Path, number: signal.Signals, state: str, suffix: str
) -> None:
    """Also while a video is to be finished and the stream, as it is opened again, says nothing."""
    records, video = tmp_path / "a.jsonl", tmp_path / f"a{suffix}"
    with Camera() as camera:
        url = camera.url.replace("http://", "http://me:secret@")
        outputs = ("--output", str(records), "--output", str(video))
        process = start(repository, "--source", url, *outputs)
        assert process.stdout is not None
        said = [process.stdout.readline()]
        assert said[0].startswith(f"{camera.url} (160×120"), "what it grants, before anything else"
        camera.stalls.set()
        while state not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], "it ended by itself"
        out = ended_by(process, number)
    assert "outages      1" in out
    assert "secret" not in "".join(said) + out
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    assert len(lines) >= 1
    assert len(levels(video)) > 10


def test_a_signal_ends_a_read_that_is_blocked(repository: Path) -> None:
    with Camera() as camera:
        process = start(repository, "--source", camera.url)
        assert process.stdout is not None
        process.stdout.readline()
        camera.stalls.set()
        time.sleep(0.3)
        assert "outages" not in ended_by(process, signal.SIGTERM)


def test_a_signal_ends_a_first_opening_that_is_stuck(repository: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/live"
        process = start(repository, "--source", url, "--output", str(tmp_path / "a.mp4"))
        silent.settimeout(20)
        connection, _ = silent.accept()
        with connection:
            assert "0, 0 dropped" in ended_by(process, signal.SIGTERM)
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    ("chosen", "transport"),
    [({}, "RTP/AVP/TCP"), ({"OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;udp"}, "RTP/AVP/UDP")],
)
def test_rtsp_goes_over_tcp_unless_the_user_chose_otherwise(
    repository: Path, chosen: dict[str, str], transport: str
) -> None:
    with RtspCamera() as camera:
        threading.Thread(target=camera.serve_forever, args=(0.02,), daemon=True).start()
        url = f"rtsp://127.0.0.1:{camera.server_address[1]}/1"
        *_, err = finish(start(repository, "--source", url, **chosen))
        camera.shutdown()
    assert camera.transports[0].startswith(transport)
    assert f"{url}: expected a stream that opens, found that it doesn't" in err
