"""Lines for readers who may have stopped reading."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from edge.console import held_back
from edge.speaker import Speaker
from tests.edge.processes import filled_pipe


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    """What reads and what is written to."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w", encoding="ascii", errors="replace") as stream:
        yield ours, stream
    os.close(ours)


def test_lines_come_in_order_and_whole() -> None:
    with pipe() as (ours, stream):
        speaker = Speaker(stream)
        lines = [f"{n} " * 400 for n in range(3)]
        for line in lines:
            speaker.say(line)
        assert speaker.finish(5)
        assert os.read(ours, 9999).decode().splitlines() == lines


def test_what_an_encoding_lacks_is_no_failure() -> None:
    with pipe() as (ours, stream):
        speaker = Speaker(stream)
        speaker.say("30 FPS · 3 ms")
        assert speaker.finish(5)
        assert os.read(ours, 99) == b"30 FPS ? 3 ms\n"


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    with filled_pipe() as (ours, stream):
        speaker = Speaker(stream)
        begun = time.monotonic()
        for n in range(5000):
            speaker.say(f"line {n}")
        assert not speaker.finish(0.1)
        assert time.monotonic() - begun < 1
        while b"line 4999\n" not in os.read(ours, 1 << 20):
            pass  # the newest one is kept, and comes when it reads again


def test_a_reader_that_is_slow_gets_everything() -> None:
    with filled_pipe() as (ours, stream):
        speaker = Speaker(stream)
        speaker.say("the end")
        assert not speaker.finish(0)
        os.read(ours, 1 << 20)
        assert speaker.finish(5)
        assert os.read(ours, 99) == b"the end\n"


def test_what_the_system_says_is_raised_by_the_calls_that_follow() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as stream:
        speaker = Speaker(stream)
        speaker.say("one")
        for _ in range(2):
            with pytest.raises(BrokenPipeError):
                speaker.finish(5)
        with pytest.raises(BrokenPipeError):
            speaker.say("two")


def test_it_waits_for_a_stream_that_is_set_not_to_wait() -> None:
    with filled_pipe() as (ours, stream):
        os.set_blocking(stream.fileno(), False)
        speaker = Speaker(stream)
        speaker.say("the end")
        assert not speaker.finish(0.2)
        os.read(ours, 1 << 20)
        assert speaker.finish(5)


def test_a_stream_of_python_and_none_at_all_will_do() -> None:
    stream = io.StringIO()
    speaker = Speaker(stream)
    speaker.say("one")
    assert speaker.finish(5)
    assert stream.getvalue() == "one\n"
    nowhere = Speaker(None)
    nowhere.say("one")
    assert nowhere.finish(0)


def test_a_line_is_not_held_back_with_those_of_native_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with os.fdopen(os.dup(2), "w") as stream:
        speaker = Speaker(stream)
        speaker.say("one")
        with held_back():
            speaker.say("two")
            assert speaker.finish(5)
    assert capfd.readouterr().err == "one\ntwo\n"


def test_it_keeps_no_descriptor() -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("nobody tells")

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    for _ in range(3):
        with pipe() as (_, stream):
            speaker = Speaker(stream)
            speaker.say("one")
            assert speaker.finish(5)
    until = time.monotonic() + 5
    while opened() > before:
        assert time.monotonic() < until
