"""A run opens no connection: the kernel ends the process at the first socket."""

from __future__ import annotations

import signal
from pathlib import Path

import cv2
import pytest

from edge.sources.demo import DemoSource, load_portraits
from tests.edge.sockets import run_without_sockets

RUN = """
import sys
from edge.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video and a folder of pictures."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "pictures").mkdir()
    demo = DemoSource(load_portraits())
    writer = cv2.VideoWriter(
        str(folder / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 360)
    )
    for index in range(5):
        writer.write(demo.render(index))
        cv2.imwrite(str(folder / "pictures" / f"{index}.png"), demo.render(index))
    writer.release()
    return folder


@pytest.mark.parametrize("source", ["demo", "auto", "a.avi", "pictures"])
def test_a_run_opens_no_socket(source: str, sources: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "a.mp4", tmp_path / "a.jsonl"
    done = run_without_sockets(
        RUN,
        *("run", "--display", "off", "--frames", 5),
        *("--source", sources / source if (sources / source).exists() else source),
        *(word for path in outputs for word in ("--output", path)),
    )
    assert done.returncode == 0, done.stderr
    assert len(outputs[1].read_text().splitlines()) == 5
    assert outputs[0].stat().st_size > 0


def test_neither_does_doctor() -> None:
    done = run_without_sockets(RUN, "doctor", "--source", "demo", "--display", "off")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_a_process_that_opens_one_is_caught(family: str) -> None:
    attempt = f"socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    done = run_without_sockets(f"import socket\ntry:\n    {attempt}\nexcept OSError:\n    pass\n")
    assert done.returncode == -signal.SIGSYS


def test_a_thread_that_opens_one_is_caught() -> None:
    code = "import socket, threading, time\nthreading.Thread(target=socket.socket).start()\n"
    assert run_without_sockets(f"{code}time.sleep(30)\n").returncode == -signal.SIGSYS
