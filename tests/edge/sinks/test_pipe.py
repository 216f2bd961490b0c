"""Lines through pipes: standard output, FIFOs, devices."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ReaderLeftError, SinkError
from edge.settings import Settings
from edge.sinks import find_adapter
from edge.sinks.pipe import Pipe
from edge.sinks.records import RecordSink
from edge.sinks.writers import JsonLines
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, one_line, start
from tests.edge.sinks.makers import LABELS, feed, frames

DEMO = ("--source", "demo", "--display", "off", "--min-face", 0)


class Reader:
    """Reads a FIFO on a thread of its own, all of it or ``lines`` lines."""

    def __init__(self, path: Path, lines: int = -1) -> None:
        self.lines: list[str] = []
        self._path, self._most = path, lines
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._path.open() as file:
            for line in file:
                self.lines.append(line)
                if len(self.lines) == self._most:
                    break

    def join(self) -> list[str]:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.lines


@pytest.fixture(params=["pipe", "pipe.jsonl", "pipe.csv"])
def fifo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = tmp_path / request.param
    os.mkfifo(path)
    yield path
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NONBLOCK)):  # ends a reader that a failure left
        pass


def sink_for(path: Path, **settings: Any) -> Any:
    return find_adapter(path).open(path, LABELS, Settings(output=(path,), **settings))


def test_a_fifo_gets_lines_of_its_suffix(fifo: Path) -> None:
    reader = Reader(fifo)
    find_adapter(fifo).check(fifo)
    with sink_for(fifo) as sink:
        for frame in frames(3):
            feed(sink, [frame])
    lines = reader.join()
    rows = list(csv.DictReader(lines)) if fifo.suffix == ".csv" else list(map(json.loads, lines))
    assert [int(row["frame"]) for row in rows] == [0, 1, 2]
    assert fifo.is_fifo(), "it is neither numbered nor replaced"


def test_each_frame_is_there_at_once(fifo: Path) -> None:
    reader = Reader(fifo)
    with sink_for(fifo) as sink:
        for n, frame in enumerate(frames(3), 1):
            feed(sink, [frame])
            expected = n + (fifo.suffix == ".csv")
            until = time.monotonic() + 5
            while len(reader.lines) < expected:
                assert time.monotonic() < until
                time.sleep(0.005)


def test_a_reader_that_leaves_is_told_from_an_error(fifo: Path) -> None:
    reader = Reader(fifo, lines=1)
    with sink_for(fifo) as sink:
        feed(sink, frames(1))
        reader.join()
        with pytest.raises(ReaderLeftError, match="expected a program that reads it"):
            feed(sink, frames(3))


def test_without_a_reader_it_gives_up(fifo: Path) -> None:
    sink = RecordSink(Pipe(fifo, JsonLines(), wait=0.1))
    with pytest.raises(SinkError, match=r"found none for 0\.1 s; start that one first"):
        sink.__enter__()


def test_a_device_takes_lines(tmp_path: Path) -> None:
    with sink_for(Path("/dev/null")) as sink:
        feed(sink, frames(3))
    full = sink_for(Path("/dev/full"))
    with full, pytest.raises(SinkError, match=r"/dev/full: .* No space left on device"):
        feed(full, frames(1))


def test_names_of_standard_output_are_one_and_links_to_pipes_stay(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    settings = Settings(output=(Path("/dev/stdout"), link), events=(Path("-"),))
    assert settings.output == (Path("-"), link)
    assert find_adapter(Path("-")).name == find_adapter(link).name == "records"


# The command line


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_has_lines_and_nothing_else(repository: Path, name: str) -> None:
    process = start(repository, *DEMO, "--frames", 30, "-o", name, "--events", "-")
    code, out, err = finish(process)
    assert code == 0
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["frame"] for record in records if "frame" in record] == list(range(30))
    assert [record["event"] for record in records if "event" in record][:1] == ["appeared"]
    assert "people" in err, "the summary is for people"


def shell(repository: Path, line: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run ``line`` with "$@" for the program and its ``words``; fail where one of a pipe does."""
    command = [PYTHON, "-m", "edge", "run", *map(str, (*DEMO, *words))]
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, "bash", *command],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("further", [(), ("--events", "-")])
def test_head_ends_the_run_without_an_error(repository: Path, further: tuple[str, ...]) -> None:
    words = ("--frames", 1_000_000, "-o", "-", *further)
    done = shell(repository, '"$@" | head -n 3', *words)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["frame"] for line in done.stdout.splitlines()] == [0, 1, 2]
    assert "expected" not in done.stderr
    assert "Traceback" not in done.stderr


def test_head_does_not_end_a_run_with_another_output(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    done = shell(repository, '"$@" | head -n 1', "--frames", 60, "-o", "-", "-o", path)
    assert done.returncode == 0, done.stderr
    assert len(path.read_text().splitlines()) == 60


def test_substituted_processes_and_redirections_are_outputs(
    repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    line = f'"$@" -o >(grep -c frame >&2) -o /dev/stdout > {shlex.quote(str(path))}'
    done = shell(repository, line, "--frames", 5)
    assert done.returncode == 0, done.stderr
    assert len(path.read_text().splitlines()) == 5
    assert list(tmp_path.iterdir()) == [path], "it is not numbered"


@pytest.mark.slow
def test_a_fifo_without_a_reader_is_one_line(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    code, _, err = finish(start(repository, *DEMO, "-o", path))
    assert code == 1
    assert "found none for 5 s; start that one first" in one_line(err)
