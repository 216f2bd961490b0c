"""A run opens no connection: the kernel ends the process at the first socket.

Ended, not refused: a library that tries, and takes the refusal for an answer, would pass unseen.
The filter is that of ``mediapipe_child``; where it can't be set up, these tests fail.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import cv2
import pytest

from edge.detectors import mediapipe_child
from edge.sources.demo import DemoSource, load_portraits
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT

GUARDED = """
import platform, runpy, sys
child = runpy.run_path(sys.argv.pop(1))
machine = platform.machine()
calls = (child["_MACHINES"][machine].socket, child["_IO_URING_SETUP"])
END_PROCESS = 0x8000_0000  # SECCOMP_RET_KILL_PROCESS of linux/seccomp.h
child["refuse_calls"](machine, calls, END_PROCESS)
"""
RUN = "from edge.__main__ import main; sys.exit(main())"


def guarded(repository: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``code`` where a socket of any kind, in any thread, is the end."""
    return subprocess.run(
        [PYTHON, "-c", GUARDED + code, mediapipe_child.__file__, *map(str, arguments)],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video and a folder of images."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "images").mkdir()
    demo = DemoSource(load_portraits())
    writer = cv2.VideoWriter(
        str(folder / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 360)
    )
    for index in range(10):
        writer.write(demo.render(index))
        cv2.imwrite(str(folder / "images" / f"{index}.png"), demo.render(index))
    writer.release()
    return folder


@pytest.mark.parametrize("source", ["demo", "auto", "a.avi", "images"])
def test_a_run_opens_no_socket(
    source: str, sources: Path, repository: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / "a.mp4", tmp_path / "a.jsonl"
    done = guarded(
        repository,
        RUN,
        *("run", "--display", "off", "--frames", 10),
        *("--source", sources / source if (sources / source).exists() else source),
        *(word for path in outputs for word in ("--output", path)),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(outputs[1].read_text().splitlines()) == 10
    assert outputs[0].exists()


def test_neither_does_doctor(repository: Path) -> None:
    done = guarded(repository, RUN, "doctor", "--source", "demo", "--display", "off")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_a_process_that_opens_one_is_caught(repository: Path, family: str) -> None:
    attempt = f"socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    done = guarded(
        repository,
        f"import socket\ntry:\n    {attempt}\nexcept OSError:\n    pass\n",
    )
    assert done.returncode == -signal.SIGSYS


def test_a_thread_that_opens_one_is_caught(repository: Path) -> None:
    code = "import socket, threading, time\nthreading.Thread(target=socket.socket).start()\n"
    done = guarded(repository, f"{code}time.sleep(30)\n")
    assert done.returncode == -signal.SIGSYS
