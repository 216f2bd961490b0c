"""How runs of the real command line end: signals, readers, terminals, files that are cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import cv2
import pytest

from edge.sources.demo import DemoSource, load_portraits
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, filled_pipe, finish, one_line, start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_at_once(
    repository: Path, tmp_path: Path, number: signal.Signals
) -> None:
    records, video = tmp_path / "a.jsonl", tmp_path / "a.avi"
    outputs = ("--output", records, "--output", video)
    process = start(repository, "--source", "demo", "--frames", 1_000_000, *outputs)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    asked = time.monotonic()
    process.send_signal(number)
    code, out, err = finish(process)
    assert time.monotonic() - asked < 1
    assert (code, err) == (0, "")
    assert "p95" in out
    assert "stopped      as asked, before the end of the source" in out
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "a.avi"}
    lines = records.read_text().splitlines()
    assert json.loads(lines[-1])["frame"] == len(lines) - 1


def test_a_run_that_ends_by_itself_is_not_called_stopped(repository: Path) -> None:
    code, out, _ = finish(start(repository, "--source", "demo", "--frames", 3))
    assert (code, "stopped" in out) == (0, False)


def test_what_ends_make_ends_the_run(repository: Path, tmp_path: Path) -> None:
    wanted = ("SOURCE=demo", f"OUTPUT={tmp_path / 'a.jsonl'}")
    process = subprocess.Popen(
        ["make", "run-edge", *wanted, "ARGS=--frames 1000000 --display off"],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "a.jsonl").exists():
            assert time.monotonic() < until, "the run begins"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)  # not before the run has closed it
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert b"stopped      as asked" in out


def left_by_its_reader(repository: Path, *arguments: object) -> subprocess.Popen[str]:
    """A run without an end whose standard output has a reader for one line only."""
    process = start(repository, "--source", "demo", "--frames", 1_000_000, *arguments)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


def test_a_reader_that_goes_away_ends_a_run_that_is_for_nobody_else(repository: Path) -> None:
    process = left_by_its_reader(repository)
    assert process.stderr is not None
    with process.stderr as complaints:
        assert complaints.read() == ""
    assert process.wait(5) == 1


def test_a_recording_goes_on_when_the_reader_goes_away(repository: Path, tmp_path: Path) -> None:
    records = tmp_path / "a.jsonl"
    process = left_by_its_reader(repository, "--output", records)
    assert process.stderr is not None
    with process.stderr as complaints:
        assert "goes on without it" in complaints.readline()
        recorded, until = records.stat().st_size, time.monotonic() + 10
        while records.stat().st_size == recorded:
            assert time.monotonic() < until, "the recording goes on"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert complaints.read() == ""
    assert process.wait(5) == 1, "nobody heard the summary"


@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_stops_reading_holds_up_neither_the_recording_nor_the_end(
    repository: Path, tmp_path: Path, both: bool
) -> None:
    records, video = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    outputs = ("--output", records, "--output", video)
    with filled_pipe() as (_, full):
        process = start(
            repository,
            *("--source", "demo", "--frames", 1_000_000, *outputs),
            out=full,
            err=full if both else subprocess.PIPE,
        )
        until = time.monotonic() + 10
        while not records.exists() or records.read_bytes().count(b"\n") < 45:
            assert time.monotonic() < until, "no line waits for its reader"
            time.sleep(0.05)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process)
        assert time.monotonic() - asked < 1
    assert code == 1, "nobody heard the summary"
    if not both:
        assert "standard output: expected a reader, found none for 0.3 s" in one_line(err)
    assert cv2.VideoCapture(str(video)).read()[0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cut_video_ends_with_a_line_and_keeps_the_results(
    repository: Path, tmp_path: Path
) -> None:
    source, records = tmp_path / "a.avi", tmp_path / "a.jsonl"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 360))
    demo = DemoSource(load_portraits())
    for index in range(40):
        writer.write(demo.render(index))
    writer.release()
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    code, out, err = finish(start(repository, "--source", source, "--output", records))
    assert code == 1
    assert "expected about 1.6 s of video" in one_line(err)
    assert "p95" in out
    assert 10 < len(records.read_text().splitlines()) < 30


def test_photos_in_a_folder_are_judged_each_by_itself(repository: Path, tmp_path: Path) -> None:
    photos, records = tmp_path / "photos", tmp_path / "a.jsonl"
    photos.mkdir()
    demo = DemoSource(load_portraits(), faces=1)
    for index in range(3):
        cv2.imwrite(str(photos / f"{index}.png"), demo.render(index))
    (photos / "bad.png").write_text("no image")
    code, out, err = finish(start(repository, "--source", photos, "--output", records))
    assert (code, err) == (0, "")
    assert "bad.png: expected an image" in out
    assert "1 of 4 images skipped" in out
    tracks = [json.loads(line)["tracks"] for line in records.read_text().splitlines()]
    assert [[track["id"] for track in seen] for seen in tracks] == [[1], [2], [3]]


def test_where_there_is_no_camera_it_shows_the_demo_and_says_so(
    repository: Path,
) -> None:
    if Path("/dev/video0").exists():
        pytest.skip("there is a camera")
    code, out, _ = finish(start(repository, "--frames", 3))
    assert code == 0
    assert "found no such device" in out
    assert "showing the demo (640×360) instead" in out


IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("config", [False, True])
def test_a_closed_terminal_keeps_the_recording(
    repository: Path, tmp_path: Path, config: bool
) -> None:
    """A real one: what the run says at its end fails then. A settings file changes nothing."""
    records, video = tmp_path / "a.jsonl", tmp_path / "a.avi"
    settings = tmp_path / "a.toml"
    settings.write_text('source = "demo"\nframes = 100000\n')
    ours, theirs = os.openpty()
    command = (*(PYTHON, "-m", "edge", "run", "--display", "off"), *("--output", records))
    which = ("--config", settings) if config else ("--source", "demo", "--frames", "100000")
    process = subprocess.Popen(
        [PYTHON, "-c", IN_A_TERMINAL, *map(str, (*command, "--output", video, *which))],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    assert b"frame 0" in os.read(ours, 4096)
    os.close(ours)
    assert process.wait(10) == 1, "nobody heard the summary"
    assert {path.name for path in (records, video) if path.exists()} == {"a.jsonl", "a.avi"}
    assert json.loads(records.read_text().splitlines()[-1])["frame"] >= 0
    assert cv2.VideoCapture(str(video)).read()[0]


def test_a_terminal_that_closes_may_say_so_twice(repository: Path, tmp_path: Path) -> None:
    video = tmp_path / "a.avi"
    process = start(repository, "--source", "demo", "--frames", 100_000, "--output", video)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert "p95" in out
    assert cv2.VideoCapture(str(video)).read()[0]
