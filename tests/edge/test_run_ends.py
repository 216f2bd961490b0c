"""How runs of the real command line end: signals, readers, terminals, new settings."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import av
import pytest

from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, one_line, start

ENDLESS = ("--source", "demo", "--frames", 1_000_000)


def long_demo(repository: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return start(repository, *ENDLESS, *arguments, terminal=False, **environment)


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it happens in time"
        time.sleep(0.02)


def playable_frames(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_and_at_once(
    repository: Path, tmp_path: Path, number: signal.Signals
) -> None:
    records, video = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    process = long_demo(repository, "--output", records, "--output", video)
    wait_for(lambda: records.exists() and records.read_bytes().count(b"\n") > 20)
    asked = time.monotonic()
    process.send_signal(number)
    code, out, err = finish(process)
    assert time.monotonic() - asked < 1.5
    assert (code, err) == (0, "")
    assert "p95" in out
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "a.mp4"}
    lines = records.read_text().splitlines()
    assert json.loads(lines[-1])["frame"] == len(lines) - 1
    assert playable_frames(video) == len(lines)


def test_a_killed_run_leaves_records_and_video(repository: Path, tmp_path: Path) -> None:
    records, video = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    process = long_demo(repository, "--output", records, "--output", video)
    wait_for(lambda: records.exists() and records.read_bytes().count(b"\n") > 200)
    process.kill()
    process.communicate()
    lines = records.read_bytes().split(b"\n")
    assert all(json.loads(line)["faces"] for line in lines[:-1])
    assert lines[-1] == b"", "the last line is whole"
    assert playable_frames(video) >= len(lines) - 1 - 2 * 30


def test_what_ends_make_ends_the_run(repository: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["make", "run-edge", "SOURCE=demo", f"OUTPUT={tmp_path / 'a.jsonl'}"],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for((tmp_path / "a.jsonl").exists, 60)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)  # not before the run has closed it
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert b"p95" in out


@pytest.mark.parametrize(
    "words", [("run", "demo", "--frames", "40"), ("info",), ("doctor", "demo"), ("run", "--help")]
)
def test_a_full_standard_output_is_one_line(words: Sequence[str], repository: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PYTHON, "-m", "edge", *words],
            cwd=repository,
            env=QUIET_ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in one_line(done.stderr)


def test_closed_streams_are_no_place_for_an_output(repository: Path, tmp_path: Path) -> None:
    """A file with the number of standard error would get what native code says there."""
    said = f"import os\n{RUN}" + "os.write(2, b'said by native code'); sys.exit(code)"
    words = ("run", "demo", "--frames", "3", "--output", tmp_path / "a.jsonl")
    command = [PYTHON, "-c", said, *map(str, words)]
    closing_all = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = subprocess.run(
        [*closing_all, *command], cwd=repository, env=QUIET_ENVIRONMENT, timeout=30, check=False
    )
    assert done.returncode == 0
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 3


RUN = """
import sys
from edge.__main__ import main
code = main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_run_ends_it_without_a_word(
    number: signal.Signals, repository: Path
) -> None:
    process = long_demo(repository)
    wait_for(lambda: "/cv2/" in Path(f"/proc/{process.pid}/maps").read_text())
    process.send_signal(number)
    assert finish(process) == (-number, "", "")


def test_a_reader_that_goes_away_ends_a_run_that_is_for_nobody_else(repository: Path) -> None:
    process = long_demo(repository)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    with process.stderr as complaints:
        assert complaints.read() == ""
    assert process.wait(5) == 1


def test_a_cut_video_ends_with_a_line_and_keeps_the_results(
    repository: Path, tmp_path: Path
) -> None:
    video, cut, records = tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path / "b.jsonl"
    code, _, _ = finish(start(repository, "--source", "demo", "--output", video))
    assert code == 0
    content = video.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    code, out, err = finish(start(repository, "--source", cut, "--output", records))
    assert code == 0
    assert "damaged or cut: about 10.0 s of video expected" in one_line(err)
    assert "p95" in out
    assert 50 < len(records.read_text().splitlines()) < 250


def test_where_there_is_no_camera_it_shows_the_demo_and_says_so(repository: Path) -> None:
    if Path("/dev/video0").exists():
        pytest.skip("there is a camera")
    code, out, err = finish(start(repository, "--frames", 3))
    assert code == 0
    assert "found no such device" in one_line(err)
    assert "the demo" in err
    assert "demo" in out


IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_closed_terminal_keeps_the_recording(repository: Path, tmp_path: Path) -> None:
    """A real one: what the run says at its end fails then."""
    records = tmp_path / "a.jsonl"
    ours, theirs = os.openpty()
    command = (PYTHON, "-m", "edge", "run", *ENDLESS, "--output", records)
    process = subprocess.Popen(
        [PYTHON, "-c", IN_A_TERMINAL, *map(str, command)],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    assert b"starting" in os.read(ours, 4096)
    os.close(ours)
    assert process.wait(10) == 1, "nobody heard the summary"
    lines = records.read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(len(lines)))


class Manager:
    """What systemd is to a service: a socket that hears how it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(15)

    def wait_for(self, beginning: str) -> str:
        while True:
            message = self._socket.recv(4096).decode()
            if message.startswith(beginning):
                return message

    def close(self) -> None:
        self._socket.close()


def test_sighup_starts_the_same_process_again_with_new_settings(
    repository: Path, tmp_path: Path
) -> None:
    config, first, second = tmp_path / "a.toml", tmp_path / "a.jsonl", tmp_path / "b.csv"
    config.write_text(f'output = ["{first}"]\n')
    with closing(Manager(tmp_path / "notify")) as manager:
        process = long_demo(repository, "--config", config, NOTIFY_SOCKET=str(manager.path))
        manager.wait_for("READY=1")
        config.write_text(f'output = ["{second}"]\nthreads = 99\n')
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1\nMONOTONIC_USEC=")
        manager.wait_for("READY=1")
        config.write_text(f'output = ["{second}"]\n')
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        wait_for(second.exists)
        process.send_signal(signal.SIGHUP)  # with an output that is in use
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        code, out, err = finish(process)
    assert code == 0
    assert "settings not taken, the old ones go on: threads: expected 1…64" in one_line(err)
    assert out.count("p95") == 3, "a summary of each"
    assert json.loads(first.read_text().splitlines()[-1])["faces"]
