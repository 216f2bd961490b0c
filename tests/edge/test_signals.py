"""Signals from the first moment on: what ends a run, and what the caller has switched off."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.loop import Stop
from edge.signals import end_on_signals, on_hang_up
from edge.startup import EMPTY
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, filled_pipe, finish, start

SIGNALLED_AT = """
import os, runpy, signal, sys

name, number = sys.argv.pop(1), int(sys.argv.pop(1))

def send(event, arguments):
    if event == "import" and arguments[0] == name:
        os.kill(os.getpid(), number)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(send)
runpy.run_module("edge", run_name="__main__", alter_sys=True)
"""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("name", ["cyclopts", "edge.settings", "cv2", "edge.detectors.blazeface"])
def test_a_signal_while_it_starts_ends_a_run_well_and_says_so(
    name: str, number: signal.Signals, repository: Path
) -> None:
    demo = ("run", "--source", "demo", "--frames", "1000000", "--display", "off")
    done = subprocess.run(
        [PYTHON, "-c", SIGNALLED_AT, name, str(int(number)), *demo],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{EMPTY}\n")


def test_a_full_pipe_does_not_hold_up_a_run_that_is_ended_while_it_starts(
    repository: Path,
) -> None:
    with filled_pipe() as (_, full):
        done = subprocess.run(
            [PYTHON, "-c", SIGNALLED_AT, "cyclopts", str(int(signal.SIGTERM)), "run"],
            cwd=repository,
            env=QUIET_ENVIRONMENT,
            stderr=full,
            check=False,
            timeout=20,
        )
    assert done.returncode == 0


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the tests, put back."""
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("off", ENDING)
def test_what_the_caller_has_switched_off_stays_off(off: signal.Signals, handlers: None) -> None:
    stop = Stop()
    signal.signal(off, signal.SIG_IGN)
    end_on_signals(stop)
    on_hang_up(stop.set)
    os.kill(os.getpid(), off)
    assert not stop.is_set()
    for number in set(ENDING) - {off}:
        assert signal.getsignal(number) is not signal.SIG_IGN
    os.kill(os.getpid(), next(number for number in ENDING if number != off))
    assert stop.is_set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_the_same_one_sent_twice_does_not(
    number: signal.Signals, handlers: None
) -> None:
    stop, times = Stop(), iter([9.0, 9.1, 10.0])
    left: list[int] = []
    end_on_signals(stop, left.append, lambda: next(times))
    for expected in ([], [], [130]):
        os.kill(os.getpid(), number)
        assert stop.is_set()
        assert left == expected


def test_ctrl_c_after_the_terminal_has_gone_is_a_first_one(handlers: None) -> None:
    left: list[int] = []
    end_on_signals(Stop(), left.append)
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    assert left == []


def test_a_run_under_nohup_outlives_its_terminal(repository: Path, handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = start(repository, "--source", "demo", "--frames", 1_000_000)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline().startswith("frame "), "it goes on"
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert (code, err) == (0, "")
