"""The window: where there is a display, and what ends it."""

from __future__ import annotations

import socket
import threading
import time

import cv2
import pytest

from edge.errors import SinkError
from edge.sinks.window import WindowSink, display_problem
from tests.edge.fakes import (
    FakeGui,
    feed,
    frames,
)

# Files


def test_no_display_is_a_reason_not_an_abort() -> None:
    assert display_problem({}) is not None


def test_a_display_that_does_not_answer_is_a_reason_not_an_abort() -> None:
    assert display_problem({"DISPLAY": ":4711"}) is not None


def test_the_wish_to_stop_ends_the_wait_for_a_display_that_hangs() -> None:
    if not cv2.currentUIFramework():
        pytest.skip("no windows in this OpenCV")
    with socket.create_server(("127.0.0.1", 0)) as display:
        number = display.getsockname()[1] - 6000
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        start = time.monotonic()
        problem = display_problem({"DISPLAY": f"127.0.0.1:{number}"}, stop.is_set)
    assert problem is not None
    assert 0.3 <= time.monotonic() - start < 1.3


def test_a_window_without_a_display_is_refused() -> None:
    if display_problem() is None:
        pytest.skip("there is a display")
    with pytest.raises(SinkError, match="window: expected a display"):
        WindowSink(lambda: None).__enter__()


@pytest.mark.parametrize(
    ("gui", "stops", "shown"),
    [
        (FakeGui(), False, 1),
        (FakeGui(ord("x")), False, 1),
        (FakeGui(ord("q")), True, 1),
        (FakeGui(27), True, 1),
        (FakeGui(closed=True), True, 0),
    ],
)
def test_q_escape_and_closing_the_window_end_the_loop(
    gui: FakeGui, stops: bool, shown: int
) -> None:
    asked: list[bool] = []
    feed(WindowSink(lambda: asked.append(True), gui=gui), frames(1))
    assert bool(asked) == stops
    assert len(gui.shown) == shown
    assert gui.size == ((64, 48) if shown else None)


# Composition
