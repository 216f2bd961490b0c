"""A run as a service: new settings at SIGHUP, and what the service manager hears."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import IO

import pytest

from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, start
from tests.edge.sources.network_camera import Camera

pytestmark = pytest.mark.slow
RUNNING = " · no face"
"""In a status line of the camera."""


def until(stream: IO[str] | None, word: str) -> str:
    """The next line of ``stream`` with ``word`` in it."""
    assert stream is not None
    return next(line for line in stream if word in line)


def test_sighup_starts_anew_with_settings_that_can_work(repository: Path, tmp_path: Path) -> None:
    path, first, second = (tmp_path / name for name in ("a.toml", "1.jsonl", "2.jsonl"))
    with Camera() as camera:
        common = f'source = "{camera.url}"\ndisplay = "off"\n'
        path.write_text(f'{common}output = ["{first}"]\n')
        process = start(repository, "--config", path, terminal=False)
        until(process.stdout, RUNNING)
        for settings, complaint in (
            ("threads = 0\n", "the old ones go on: threads: expected 1…64, found 0"),
            (f'{common}model = "none.tflite"\n', "none.tflite: expected a .tflite file"),
            (f'{common}output = ["/proc/none/a.jsonl"]', "/proc/none/a.jsonl: expected"),
        ):
            path.write_text(settings)
            process.send_signal(signal.SIGHUP)
            assert complaint in until(process.stderr, "settings not taken")
        assert process.poll() is None
        path.write_text(f'{common}output = ["{second}"]\n')
        process.send_signal(signal.SIGHUP)
        until(process.stdout, "frames")  # the summary of what was before
        until(process.stdout, RUNNING)
        process.send_signal(signal.SIGTERM)
        code, out, err = finish(process)
    assert code == 0, err
    assert "frames" in out
    assert len(first.read_text().splitlines()) >= 1
    assert len(second.read_text().splitlines()) >= 1


def test_a_page_and_a_broker_outlive_new_settings(repository: Path, tmp_path: Path) -> None:
    """The port that the old settings hold is free for the new ones; no broker is there at all."""
    path = tmp_path / "a.toml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, nobody = server.getsockname()[1], server.getsockname()[1] + 1
    served = f'[web]\naddress = "{port}"\n[mqtt]\naddress = "mqtt://127.0.0.1:{nobody}"\n'
    with Camera() as camera:
        for n, tracks in enumerate(("", "[tracking]\nforget = 0.4\n")):
            path.write_text(f'source = "{camera.url}"\ndisplay = "off"\n{tracks}{served}')
            if n == 0:
                process = start(repository, "--config", path, terminal=False)
            else:
                process.send_signal(signal.SIGHUP)
                until(process.stdout, "frames")
            until(process.stdout, RUNNING)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as reply:
                assert reply.read() == b"ok\n"
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process)
    assert code == 0, err
    assert "Traceback" not in err


HANDED_OVER = """
import os, signal, sys
from edge.run.signals import Signals
signals = Signals()
if len(sys.argv) == 1:
    signals.install(reload=True)
    signals.hand_over()
    os.kill(os.getpid(), signal.SIGHUP)
    os.execv(sys.executable, [*sys.orig_argv, "again"])
signals.install(reload=True)
print(signals.take_reload(), signals.stopped)
"""


def test_a_signal_while_the_program_is_replaced_reaches_the_new_one(repository: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-c", HANDED_OVER], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False\n"


def test_sighup_while_the_source_is_off_is_no_end(repository: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "a.toml", tmp_path / "a.jsonl"
    with Camera() as camera:
        common = f'source = "{camera.url}"\ndisplay = "off"\n'
        path.write_text(common)
        process = start(repository, "--config", path, terminal=False)
        until(process.stdout, RUNNING)
    until(process.stdout, "no picture")
    path.write_text(f'{common}output = ["{output}"]\n')
    process.send_signal(signal.SIGHUP)
    until(process.stdout, "frames")
    with Camera(camera.port):
        until(process.stdout, RUNNING)
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process)
    assert code == 0, err
    assert len(output.read_text().splitlines()) >= 1


def test_a_service_manager_is_told_and_the_log_stays_short(
    repository: Path, tmp_path: Path
) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setblocking(False)
        done = subprocess.run(
            [PYTHON, "-m", "edge", "run", "--source", "demo", "--frames", "5", "--display", "off"],
            cwd=repository,
            env=QUIET_ENVIRONMENT | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "8000000"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        heard = [manager.recv(4096).decode() for _ in range(4)]
    assert heard[0].startswith("STATUS=")
    assert heard[1:] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]
    assert "frames" in done.stdout
    assert not any("#1" in line for line in done.stdout.splitlines())
