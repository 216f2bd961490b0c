"""The line of status, and what happens when nobody reads it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import SinkError
from edge.sinks.console import StatusLine
from tests.edge.sinks.makers import expression, face, feed, frames, outage, result, square


def test_a_line_comes_at_the_first_frame_and_then_every_second() -> None:
    lines, now = list[str](), iter([0.0, 0.0, 0.5, 0.99, 1.0, 1.0, 1.5, 2.2, 2.2, 2.3])
    with StatusLine(lambda: "30 FPS", show=lines.append, clock=lambda: next(now)) as sink:
        feed(sink, frames(5, source="a.mp4"))
        feed(sink, frames(2, source="b.mp4"), faces=0)
    assert lines == [
        "a.mp4 · 30 FPS · #1 happy 80%",
        "a.mp4 · 30 FPS · #1 happy 80%",
        "b.mp4 · 30 FPS · no face",
    ]


def test_each_label_stands_with_its_own_probability_or_none() -> None:
    lines, unsure = list[str](), expression("sad", 0.4, certain=False)
    faces = face(square(9, 9, 9), track=4), face(square(9, 9, 9), unsure, track=2)
    StatusLine(lambda: "30 FPS", show=lines.append).write(frames(1)[0], result(0, *faces))
    assert lines[0].endswith("30 FPS · #2 sad?, #4 happy 80%")


def test_an_outage_is_said_once_a_second_and_a_short_wait_is_not() -> None:
    lines: list[str] = []
    sink = StatusLine(lambda: "30 FPS", show=lines.append, clock=lambda: 0.0)
    sink.lost(outage(1, reason=""))
    sink.lost(outage(12, retry_in=5))
    sink.lost(outage(12.1, retry_in=5))
    assert lines == [
        "camera 0 · no picture for 12 s · next try in 5 s · camera 0: expected frames, found none"
    ]


def test_output_that_cannot_be_printed_is_the_sinks_error() -> None:
    def full(line: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sink = StatusLine(lambda: "", show=full)
    with pytest.raises(SinkError, match="No space left on device"):
        sink.write(frames(1)[0], result())


PRINTS = """
import os, sys
from edge.sinks.console import StatusLine
from tests.edge.sinks.makers import frames, result
stopped = []
clock = iter(range(0, 10**9, 9)).__next__
sink = StatusLine(lambda: "30 FPS", lambda: stopped.append(1), clock=clock)
for n in range(100_000):
    sink.write(frames(1)[0], result())
    if stopped:
        print(n, file=sys.stderr)
        sys.stderr.flush()
        os._exit(0)
"""


def test_a_reader_that_leaves_ends_a_run_that_only_prints(repository: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", PRINTS],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    assert "30 FPS" in run.stdout.readline()
    run.stdout.close()
    complaint = run.stderr.read()
    assert run.wait(timeout=30) == 0
    assert complaint.strip().isdigit(), "no traceback"
    run.stderr.close()
