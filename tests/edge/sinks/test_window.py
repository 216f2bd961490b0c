"""The window: where there is a display, what it shows when, and what ends it."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import pytest

from edge.errors import SinkError
from edge.sinks.window import WindowSink, display_problem
from edge.types import Frame, Image
from tests.edge.sinks.makers import feed, frames, image, outage, result

SPACE, ESCAPE, OTHER = ord(" "), 27, ord("x")


class Screen:
    """OpenCV's windows and a clock: waiting for a key lets the time pass.

    ``keys`` maps seconds to the key that is pressed then. From ``closes_at`` on the window is
    closed, as Qt closes it.
    """

    def __init__(self, keys: dict[float, int] | None = None, closes_at: float = math.inf) -> None:
        self.now = 50.0
        self.shown: list[tuple[float, int]] = []
        self.sizes: list[tuple[int, int]] = []
        self.stopped = self.destroyed = False
        self.titles: list[str] = []
        self._keys, self._closes_at = dict(keys or {}), closes_at

    @property
    def time(self) -> float:
        return round(self.now - 50, 3)

    def namedWindow(self, title: str, flags: int) -> None:  # noqa: N802
        self.titles.append(title)

    def destroyWindow(self, title: str) -> None:  # noqa: N802
        self.destroyed = True

    def getWindowProperty(self, title: str, flag: int) -> float:  # noqa: N802
        if self.time >= self._closes_at:
            raise cv2.error("NULL guiReceiver")
        return 1.0

    def resizeWindow(self, title: str, width: int, height: int) -> None:  # noqa: N802
        self.sizes.append((width, height))

    def imshow(self, title: str, picture: Image) -> None:
        self.shown.append((self.time, int(picture.max())))

    def waitKey(self, milliseconds: int) -> int:  # noqa: N802
        assert milliseconds > 0, "0 would wait for ever"
        until = self.time + milliseconds / 1e3
        at = min(self._keys, default=math.inf)
        if at > until:
            self.now = 50 + until
            return -1
        self.now = max(self.now, 50 + at)
        return self._keys.pop(at)

    def stop(self) -> None:
        self.stopped = True

    def sink(self, stopped: Callable[[], bool] | None = None) -> WindowSink:
        return WindowSink(self.stop, stopped or (lambda: self.stopped), self, lambda: self.now)

    @property
    def moments(self) -> list[float]:
        return [at for at, _ in self.shown]


def stills(*values: int) -> list[Frame]:
    return [Frame(image(value=v), 0, 0.0, f"{n}.png", still=True) for n, v in enumerate(values)]


# The display


def test_no_display_is_a_reason_not_an_abort() -> None:
    assert display_problem({}) is not None


def test_a_display_that_does_not_answer_is_a_reason_not_an_abort() -> None:
    assert display_problem({"DISPLAY": ":4711"}) is not None


def test_an_error_of_the_gui_is_the_sinks() -> None:
    class Broken(Screen):
        def imshow(self, title: str, picture: Image) -> None:
            raise cv2.error("no such thing")

    with pytest.raises(SinkError, match="window: expected to show a picture, found: no such thing"):
        feed(Broken().sink(), frames(1))


def test_several_cameras_have_a_window_each() -> None:
    screen = Screen()
    with screen.sink() as sink:
        for name in ("camera 0", "camera 1", "camera 0"):
            sink.write(frames(1, source=name, live=True)[0], result())
        feed(sink, frames(1))
    assert screen.titles == ["Expressions", "Expressions: camera 1"]


# What ends it


@pytest.mark.parametrize("key", [ord("q"), ESCAPE, 0x100000 + ESCAPE])
def test_q_and_escape_stop_the_run(key: int) -> None:
    screen = Screen({0.1: key})
    with screen.sink() as sink:
        feed(sink, frames(50))
    assert screen.stopped
    assert screen.destroyed
    assert 1 <= len(screen.shown) <= 4


def test_another_key_does_not() -> None:
    screen = Screen({0.1: OTHER})
    with screen.sink() as sink:
        feed(sink, frames(5))
    assert not screen.stopped
    assert len(screen.shown) == 5


def test_closing_the_window_stops_the_run_and_opens_no_other() -> None:
    screen = Screen(closes_at=0.1)
    with screen.sink() as sink:
        feed(sink, frames(50))
        sink.lost(outage(2))
    assert screen.stopped
    assert not screen.destroyed
    assert max(screen.moments) < 0.1


def test_while_there_is_no_picture_the_keys_are_looked_at() -> None:
    screen = Screen({0.0: ord("q")})
    with screen.sink() as sink:
        sink.lost(outage(0.5, reason=""))
    assert screen.stopped


# When a picture is shown


def test_a_live_picture_is_shown_at_once() -> None:
    screen = Screen()
    with screen.sink() as sink:
        feed(sink, frames(3, fps=1, live=True))
    assert screen.moments == [0, 0.001, 0.002]


def test_a_file_plays_at_its_own_pace() -> None:
    screen = Screen()
    with screen.sink() as sink:
        feed(sink, frames(6, fps=10))
        feed(sink, frames(2, fps=10, source="the next"))
    assert screen.moments == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.501, 0.601], abs=0.003)


def test_a_file_that_is_behind_is_not_hurried_after() -> None:
    screen = Screen()
    with screen.sink() as sink:
        given = frames(6, fps=10)
        feed(sink, given[:3])
        screen.now += 5
        feed(sink, given[3:])
    assert screen.moments[3:] == pytest.approx([5.2, 5.3, 5.4], abs=0.01)


def test_the_space_bar_pauses_a_file_until_a_key() -> None:
    screen = Screen({0.25: SPACE, 7.0: SPACE})
    with screen.sink() as sink:
        feed(sink, frames(6, fps=10))
    assert screen.moments == pytest.approx([0, 0.1, 0.2, 7.0, 7.1, 7.2], abs=0.01)


def test_a_still_frame_is_shown_for_a_second_or_until_a_key() -> None:
    screen = Screen({1.4: OTHER, 2.0: SPACE, 9.0: OTHER, 9.5: OTHER})
    with screen.sink() as sink:
        feed(sink, stills(10, 20, 30, 40))
    assert screen.shown == [
        (pytest.approx(0, abs=0.01), 10),
        (pytest.approx(1, abs=0.01), 20),
        (pytest.approx(1.4, abs=0.01), 30),
        (pytest.approx(9.0, abs=0.01), 40),
    ]
    assert screen.time == pytest.approx(9.5, abs=0.01), "the last one stays until a key"
    assert screen.destroyed


def test_the_last_still_frame_stays_until_the_window_is_closed_or_the_run_is_stopped() -> None:
    closed = Screen(closes_at=60)
    with closed.sink() as sink:
        feed(sink, stills(10))
    assert closed.time == pytest.approx(60, abs=0.1)
    stopped = Screen()
    with stopped.sink(lambda: stopped.time > 30) as sink:
        feed(sink, stills(10))
    assert stopped.time == pytest.approx(30, abs=0.1)


def test_after_a_problem_nothing_is_waited_for() -> None:
    screen = Screen()
    sink = screen.sink().__enter__()
    feed(sink, stills(10))
    sink.__exit__(RuntimeError, RuntimeError(), None)
    assert screen.time < 0.1
    assert screen.destroyed


def test_the_window_has_the_size_of_the_picture_as_far_as_a_screen_has_room() -> None:
    screen = Screen()
    with screen.sink() as sink:
        for n, size in enumerate([(64, 48), (64, 48), (4000, 3000), (600, 1440)]):
            sink.write(Frame(image(*size), n, 0.0, live=True), result())
    assert screen.sizes == [(64, 48), (960, 720), (300, 720)]
