"""The MediaPipe package finds the same faces, and nothing of it reaches the network."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata

import cv2
import numpy as np
import pytest

from edge.assets import asset_path
from edge.detectors import mediapipe_child
from edge.detectors.blazeface import BlazeFace
from edge.detectors.mediapipe_tasks import MediaPipeTasks
from edge.errors import DetectorError
from edge.loop import Stop
from edge.sources.demo import DemoSource, load_portraits

CHILD = mediapipe_child.__file__
VENDOR = b"play.googleapis.com"
# The second is the process as it always runs; both wait for a report that the end sets off.
REPORTING = f"""
import os, runpy, sys, time
child = runpy.run_path({CHILD!r})
child["serve"](sys.stdin.buffer, os.fdopen(os.dup(1), "wb"), int(sys.argv[1]))
time.sleep(3)
"""
CONTAINED = f"""
import runpy, time
runpy.run_path({CHILD!r})["main"]()
time.sleep(3)
"""
PIXELS = np.zeros((4, 6, 3), np.uint8)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", code)


def answering(*lines: str, then: str = "") -> tuple[str, ...]:
    """A process that gives these answers, one a request, and then does something else."""
    return python(
        "import os, signal, sys, json\n"
        "setup = json.loads(sys.stdin.buffer.readline())\n"
        "sys.stdin.buffer.read(setup['model_bytes'])\n"
        f"for line in {lines!r}:\n"
        "    print(line, flush=True)\n"
        "    sys.stdin.buffer.readline()\n" + then
    )


READY = json.dumps({"ready": "mediapipe 0"})


def test_an_answer_becomes_faces_in_pixels() -> None:
    row = [1, 1, 2, 2, 0.75, *[0.5] * 12]
    detector = MediaPipeTasks(command=answering(READY, json.dumps({"faces": [row]})))
    (face,) = detector.detect(PIXELS)
    detector.close()
    assert detector.name == "mediapipe 0"
    assert (face.box.left, face.box.top, face.box.width, face.box.height) == (1.5, 1.5, 2.5, 2.5)
    assert face.score == 0.75
    np.testing.assert_array_equal(face.key_points, [[3, 2]] * 6)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (answering(json.dumps({"error": "No module named 'mediapipe'"})), "No module named"),
        (python('print(\'{"error": "refused\\\\nat once"}\')'), "refused at once"),
        (answering(then="sys.exit('bad luck')"), "exit code 1.*last words: bad luck"),
        (answering(then="os.kill(os.getpid(), signal.SIGILL)"), "that SIGILL ended it"),
    ],
)
def test_a_process_that_does_not_start_is_explained(command: tuple[str, ...], found: str) -> None:
    with pytest.raises(DetectorError, match=rf"{found}") as caught:
        MediaPipeTasks(command=command)
    message = str(caught.value)
    assert "make run-edge DETECTOR=mediapipe" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (answering(READY, json.dumps({"error": "ValueError: odd"})), "ValueError: odd"),
        (answering(READY, then="os.kill(os.getpid(), signal.SIGSEGV)"), "SIGSEGV ended it"),
    ],
)
def test_a_process_that_fails_later_is_explained(command: tuple[str, ...], found: str) -> None:
    detector = MediaPipeTasks(command=command)
    with pytest.raises(DetectorError, match=rf"mediapipe: expected.*{found}"):
        detector.detect(PIXELS)
    detector.close()


# The model file is larger than a pipe holds.
@pytest.mark.parametrize("code", ["time.sleep(99)", "sys.stdin.buffer.read()"])
def test_a_process_that_does_not_answer_is_given_up(code: str) -> None:
    with pytest.raises(DetectorError, match=r"expected an answer within \d\.\d s, found none"):
        MediaPipeTasks(command=python("import sys, time; " + code), start_seconds=0.1)


def test_a_process_that_answers_no_more_is_explained() -> None:
    closed = "import os, time; os.close(1); time.sleep(99)"
    with pytest.raises(DetectorError, match="found that it answers no more"):
        MediaPipeTasks(command=python(closed))


def test_a_wish_to_stop_ends_the_wait_for_a_stopped_process() -> None:
    stop = Stop()
    halt = "os.kill(os.getpid(), signal.SIGSTOP)"
    detector = MediaPipeTasks(stop=stop.is_set, command=answering(READY, then=halt))
    stop.set()
    began = time.monotonic()
    with pytest.raises(DetectorError, match="found none"):
        detector.detect(PIXELS)
    detector.close()
    assert time.monotonic() - began < 3


def test_a_frame_under_way_is_finished_despite_a_wish_to_stop() -> None:
    stop, faces = Stop(), json.dumps({"faces": []})
    detector = MediaPipeTasks(stop=stop.is_set, command=answering(READY, faces))
    stop.set()
    assert list(detector.detect(PIXELS)) == []
    detector.close()


def test_a_frame_without_pixels_is_refused() -> None:
    detector = MediaPipeTasks(command=answering(READY))
    with pytest.raises(DetectorError, match="found 5×0"):
        detector.detect(np.zeros((0, 5, 3), np.uint8))
    detector.close()


@pytest.fixture(scope="module")
def detector() -> Iterator[MediaPipeTasks]:
    detector = MediaPipeTasks()
    yield detector
    detector.close()


@pytest.mark.mediapipe
def test_one_package_owns_cv2() -> None:
    assert metadata.packages_distributions()["cv2"] == ["opencv-contrib-python"]


@pytest.mark.mediapipe
@pytest.mark.parametrize("faces", [1, 2, 3])
def test_finds_the_same_faces_as_blazeface(detector: MediaPipeTasks, faces: int) -> None:
    blazeface, overlaps = BlazeFace(), []
    for frame in DemoSource(load_portraits(), frames=300, faces=faces):
        ours, theirs = blazeface.detect(frame.image), detector.detect(frame.image)
        assert len(ours) == len(theirs) == faces
        for our, their in zip(ours, theirs, strict=True):
            overlaps.append(our.box.iou(their.box))
            assert abs(our.score - their.score) < 0.02
            assert np.abs(our.key_points - their.key_points).max() < 1
    assert min(overlaps) >= 0.9
    assert np.mean(overlaps) >= 0.95


@pytest.mark.mediapipe
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (720, 1280), (90, 160)])
def test_frames_of_any_shape_in_any_order(detector: MediaPipeTasks, shape: tuple[int, int]) -> None:
    assert detector.name == "mediapipe 1.2.2"
    assert not detector.detect(np.zeros((*shape, 3), np.uint8))
    (face,) = detector.detect(np.asarray(cv2.imread(str(asset_path("grace hopper"))))[:, ::-1])
    assert face.score > 0.9


class Proxy:
    """A network that shows what is asked of it, and grants nothing."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                request = connection.recv(4096)
                if request == b"end":
                    return
                self.requests.append(request)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(self._server.getsockname()) as connection:
            connection.sendall(b"end")
        self._thread.join()
        self._server.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    proxy = Proxy()
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    yield proxy
    proxy.close()


@pytest.mark.mediapipe
def test_no_report_leaves_the_process(proxy: Proxy) -> None:
    """Uncontained, the package asks the proxy for its vendor's host; contained, for nothing."""
    for code in (REPORTING, CONTAINED):
        detector = MediaPipeTasks(command=python(code))
        detector.detect(PIXELS)
        detector.close()
        if code is REPORTING:
            assert any(VENDOR in request for request in proxy.requests)
            proxy.requests.clear()
    assert proxy.requests == []


@pytest.mark.mediapipe
def test_the_own_process_keeps_its_network(detector: MediaPipeTasks) -> None:
    detector.detect(PIXELS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
