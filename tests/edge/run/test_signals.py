"""What ends a run, and what the caller has switched off."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.run.signals import Signals, interrupt
from tests.edge.processes import finish, start

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the tests, put back."""
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("off", ENDING)
def test_what_the_caller_has_switched_off_stays_off(off: signal.Signals, handlers: None) -> None:
    signals = Signals()
    signal.signal(off, signal.SIG_IGN)
    signals.install(reload=False)
    os.kill(os.getpid(), off)
    assert not signals.stopped
    os.kill(os.getpid(), next(number for number in ENDING if number != off))
    assert signals.stopped


def test_what_is_no_run_is_interrupted_unless_that_is_switched_off(handlers: None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_the_same_one_sent_twice_does_not(
    number: signal.Signals, handlers: None
) -> None:
    times = iter([9.0, 9.1, 10.0])
    left: list[int] = []
    signals = Signals(left.append, lambda: next(times))
    signals.install(reload=False)
    for expected in ([], [], [130]):
        os.kill(os.getpid(), number)
        assert signals.stopped
        assert left == expected


def test_ctrl_c_after_the_terminal_has_gone_is_a_first_one(handlers: None) -> None:
    left: list[int] = []
    signals = Signals(left.append, lambda: 0.0)
    signals.install(reload=False)
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    assert left == []


def test_a_hang_up_asks_for_new_settings_once(handlers: None) -> None:
    signals = Signals()
    signals.install(reload=True)
    os.kill(os.getpid(), signal.SIGHUP)
    assert (signals.take_reload(), signals.take_reload(), signals.stopped) == (True, False, False)


def test_a_run_under_nohup_outlives_its_terminal(repository: Path, handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process = start(repository, "--source", "demo")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert "frames       300" in out, "it went on to its end"
