"""The command line on a real RTSP server that goes away and comes back (``make test-stream``).

The server is GStreamer's, from these packages of Debian: python3-gi, gir1.2-gst-rtsp-server-1.0,
gstreamer1.0-plugins-base, gstreamer1.0-plugins-good.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.sources.demo import DemoSource, load_portraits
from tests.edge.processes import finish, one_line, start
from tests.edge.sources.media import write_video

pytestmark = [pytest.mark.stream, pytest.mark.slow]
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
)
DEBIANS_PYTHON = "/usr/bin/python3"
CODECS: dict[str, tuple[str, dict[str, Any]]] = {
    "h264": ("libx264", {"options": {"preset": "ultrafast", "g": "20"}}),
    # RTP's JPEG has no room for Huffman tables, so they have to be the usual ones.
    "mjpeg": ("mjpeg", {"options": {"huffman": "default"}, "pixels": "yuvj420p"}),
}


@contextmanager
def serving(video: Path, codec: str, port: int = 0) -> Iterator[int]:
    """Serve ``video`` in a process of its own, which is killed at the end; give the port."""
    script = Path(__file__).with_name("rtsp_server.py")
    try:
        server = subprocess.Popen(
            [DEBIANS_PYTHON, script, video, codec, str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    except OSError as error:
        pytest.fail(f"{DEBIANS_PYTHON}: expected Debian's Python, found: {error.strerror}")
    with server:
        assert server.stdout
        try:
            answer = server.stdout.readline()
            if not answer:
                said = server.communicate()[1].strip().rpartition("\n")[2]
                pytest.fail(
                    f"RTSP server: expected one that starts, found: {said}; "
                    f"run 'sudo apt-get install --no-install-recommends {PACKAGES}'"
                )
            yield int(answer)
        finally:
            server.kill()


@pytest.fixture(scope="module", params=CODECS)
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of the demo, its name without the suffix is the codec."""
    encoder, options = CODECS[request.param]
    path = tmp_path_factory.mktemp("video") / f"{request.param}.mkv"
    images = [frame.image for frame in DemoSource(load_portraits(), frames=450, fps=15)]
    return write_video(path, images, encoder, 15, **options)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"expected {what} within {seconds} s"
        time.sleep(0.02)


def records_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the .jsonl at ``path``."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def test_a_camera_goes_away_and_comes_back(repository: Path, tmp_path: Path, video: Path) -> None:
    records, status = tmp_path / "a.jsonl", tmp_path / "status.txt"
    codec = video.stem
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        port = first.enter_context(serving(video, codec))
        out = stack.enter_context(closing(status.open("w")))
        url = f"rtsp://me:secret@127.0.0.1:{port}/live"
        process = start(repository, "--source", url, "--output", records, terminal=False, out=out)
        wait_for(lambda: len(records_of(records)) > 20, "records")
        first.close()
        wait_for(lambda: "no picture for" in status.read_text(), "a line on the outage")
        before = len(records_of(records))
        stack.enter_context(serving(video, codec, port))
        wait_for(lambda: len(records_of(records)) > before + 20, "further records")
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process)
        seconds = time.monotonic() - asked
    assert code == 0, err
    assert seconds < 1.5
    lines = records_of(records)
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    assert {line["source"] for line in lines} == {f"rtsp://127.0.0.1:{port}/live"}
    times = [line["wall_time"] for line in lines]
    assert times == sorted(times)
    gaps = [b["time"] - a["time"] for a, b in itertools.pairwise(lines)]
    back = gaps.index(max(gaps)) + 1
    assert gaps[back - 1] > 1, "the outage's time counts"
    assert any(line["faces"] for line in lines[:back])
    assert any(line["faces"] for line in lines[back:])
    text = status.read_text()
    assert "p95" in text
    assert "secret" not in text + err + records.read_text()
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("user", "path", "found"),
    [("me:wrong", "live", "401 Unauthorized"), ("me:secret", "elsewhere", "404 Not Found")],
)
def test_what_the_server_refuses_is_one_line(
    repository: Path, video: Path, user: str, path: str, found: str
) -> None:
    with serving(video, video.stem) as port:
        url = f"rtsp://{user}@127.0.0.1:{port}/{path}"
        code, _, err = finish(start(repository, "--source", url, terminal=False))
    assert code == 1
    assert found in one_line(err)
    assert user not in err


def test_without_the_packages_it_says_which_ones(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python without ``gi``, as that of the tests is, stands for a system without them."""
    monkeypatch.setattr(f"{__name__}.DEBIANS_PYTHON", sys.executable)
    with pytest.raises(pytest.fail.Exception, match=f"No module named 'gi'; .*{PACKAGES}"):
        serving(video, video.stem).__enter__()
