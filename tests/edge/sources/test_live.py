"""Live devices: the newest frame wins, no blocked call is waited for, what is lost comes back."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from edge.errors import NoCameraError, SourceError, SourceLostError
from edge.sources.live import PAUSES, Capture, LiveSource, unfinished_reads
from edge.types import Frame, Image, Outage
from tests.edge.sources.media import plain


class FakeCapture:
    """A device with a beat; after ``count`` frames its read blocks until it is let go.

    With ``breaks`` it raises instead.
    """

    fps, format = 25.0, "MJPG"
    all: ClassVar[list[FakeCapture]] = []

    def __init__(self, count: int, seconds: float = 0.002, breaks: bool = False) -> None:
        self.all.append(self)
        self.let_go = threading.Event()
        self.released = threading.Event()
        self._left, self._seconds, self._breaks = count, seconds, breaks

    def read(self) -> Image | None:
        time.sleep(self._seconds)
        if self._left == 0:
            if self._breaks:
                raise SourceLostError("fake: unplugged")
            self.let_go.wait(20)
            return None
        self._left -= 1
        return plain(self._left % 256)

    def release(self) -> None:
        self.released.set()


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    """Leave no reader behind."""
    yield
    while FakeCapture.all:
        FakeCapture.all.pop().let_go.set()
    assert wait_until(lambda: not unfinished_reads())


class FakeDevice:
    """Opens as one of ``lives`` after the other; an error among them is raised."""

    def __init__(self, *lives: Capture | SourceError) -> None:
        self.opened = 0
        self._lives = iter(lives)

    def __call__(self) -> Capture:
        self.opened += 1
        life = next(self._lives)
        if isinstance(life, SourceError):
            raise life
        return life


def source_of(*lives: Capture | SourceError, **options: Any) -> LiveSource:
    return LiveSource(
        FakeDevice(*lives), "fake", **({"lost_after": 0.15, "pauses": (0.02,)} | options)
    )


def until_frames(stream: Iterator[Frame | Outage], count: int) -> list[Frame | Outage]:
    """What ``stream`` gives until that many frames have come."""
    given: list[Frame | Outage] = []
    while sum(isinstance(item, Frame) for item in given) < count:
        given.append(next(stream))
    return given


def frames_of(items: list[Frame | Outage]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def outages_of(items: list[Frame | Outage]) -> list[Outage]:
    return [item for item in items if isinstance(item, Outage)]


def test_a_live_source_drops_what_nobody_took_and_counts_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    capture = FakeCapture(10_000)
    before = time.time()
    with source_of(capture, asked="1280×720") as source:
        assert (source.name, source.description, source.fps) == ("fake", "fake", 0.0)
        stream = iter(source)
        [first] = frames_of(until_frames(stream, 1))
        time.sleep(0.1)
        second, third = frames_of(until_frames(stream, 2))
        assert source.description == "fake (64×48, 25 FPS, MJPG; asked for 1280×720)"
        assert source.fps == 25
    assert [record.getMessage() for record in caplog.records] == [source.description]
    assert [frame.index for frame in (first, second, third)] == [0, 1, 2]
    assert second.dropped >= 10
    assert third.dropped <= 2
    assert first.time == 0
    for frame in (first, second, third):
        assert (frame.source, frame.live, frame.still) == ("fake", True, False)
        assert frame.time == pytest.approx(frame.captured_at - first.captured_at)
        assert before <= (frame.wall_time or 0) <= time.time()
    assert capture.released.wait(1)


def test_entering_waits_for_no_device_and_the_iteration_never_long() -> None:
    let_go = threading.Event()

    def blocked() -> Capture:
        let_go.wait(20)
        raise SourceError("too late")

    start = time.monotonic()
    with LiveSource(blocked, "fake") as source:
        assert time.monotonic() - start < 0.1
        items = outages_of(list(itertools.islice(source, 5)))
        assert 0.3 < time.monotonic() - start < 1
    assert time.monotonic() - start < 1.5
    assert [item.age for item in items] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], abs=0.09)
    assert {(item.source, item.reason, item.retry_in, item.time) for item in items} == {
        ("fake", "", 0.0, 0.0)
    }
    let_go.set()


def test_a_blocked_read_is_not_waited_for() -> None:
    capture = FakeCapture(1)
    with source_of(capture, lost_after=5.0) as source:
        stream = iter(source)
        until_frames(stream, 1)
        waiting = outages_of(list(itertools.islice(stream, 3)))
        start = time.monotonic()
    assert time.monotonic() - start < 0.5
    assert [item.reason for item in waiting] == [""] * 3
    assert [item.age for item in waiting] == sorted(item.age for item in waiting)
    assert waiting[-1].time == pytest.approx(waiting[-1].age, abs=1e-6), "since the only frame"
    assert unfinished_reads()
    capture.let_go.set()
    assert capture.released.wait(1), "the reader closes the device when it can"


def test_a_device_that_gives_no_frame_is_refused() -> None:
    capture = FakeCapture(0)
    with (
        source_of(capture, open_within=0.2) as source,
        pytest.raises(SourceError, match=r"fake: expected a frame within 0\.2 s, .* is it a cam"),
    ):
        list(source)


def test_a_wrong_first_opening_is_raised_at_once_and_not_tried_again() -> None:
    device = FakeDevice(SourceError("busy"), FakeCapture(1))
    start = time.monotonic()
    with LiveSource(device, "fake") as source, pytest.raises(SourceError, match="busy"):
        list(source)
    assert time.monotonic() - start < 1
    assert device.opened == 1


def test_an_opening_that_takes_its_time_is_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    let_go = threading.Event()

    def opened() -> Capture:
        let_go.wait(20)
        return FakeCapture(1000)

    with LiveSource(opened, "fake", notice="connecting") as source:
        stream = iter(source)
        while not caplog.records:
            assert outages_of([next(stream)])[0].age < 1.3
        list(itertools.islice(stream, 3))
        let_go.set()
        until_frames(stream, 1)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["fake: connecting", "fake (64×48, 25 FPS, MJPG)"]


# What is lost comes back


def test_a_loss_is_noticed_within_two_seconds_by_default() -> None:
    with LiveSource(lambda: FakeCapture(3), "fake") as source:
        lost = next(item for item in source if isinstance(item, Outage) and item.reason)
    assert 1.7 < lost.age < 2
    assert lost.retry_in == pytest.approx(1, abs=0.05)
    assert lost.reason.startswith("fake: expected a frame within 1.8 s, found none; check its")


def test_what_is_lost_comes_back_and_index_and_time_go_on() -> None:
    blocked, broken, last = FakeCapture(1), FakeCapture(1, breaks=True), FakeCapture(1)
    with source_of(blocked, NoCameraError("gone"), broken, last) as source:
        given = until_frames(iter(source), 3)
        assert not blocked.released.is_set(), "it is stuck, and nobody waited for it"
        assert broken.released.wait(1)
    frames = frames_of(given)
    assert [frame.index for frame in frames] == [0, 1, 2]
    for frame in frames:
        assert frame.time == pytest.approx(frame.captured_at - frames[0].captured_at)
    assert frames[1].time > 0.15
    reasons = [reason for reason, _ in itertools.groupby(o.reason for o in outages_of(given))]
    assert [reason for reason in reasons if reason] == [
        "fake: expected a frame within 0.15 s, found none; check its cable and power",
        "gone",
        "fake: unplugged",
    ]
    blocked.let_go.set()
    assert blocked.released.wait(1), "the reader closes the device when it can"


def test_the_pauses_grow_and_begin_anew_after_a_frame() -> None:
    assert PAUSES == (1, 2, 5, 10, 30)
    gone = [NoCameraError("gone") for _ in range(4)]
    broken = FakeCapture(1, breaks=True), FakeCapture(1, breaks=True), FakeCapture(1)
    source = source_of(
        broken[0], *gone, broken[1], broken[2], lost_after=5.0, pauses=(0.02, 0.04, 0.08)
    )
    with source:
        given = until_frames(iter(source), 3)
    waits = [item.retry_in for item in outages_of(given) if item.retry_in]
    peaks = [wait for wait in waits if min(abs(wait - p) for p in (0.02, 0.04, 0.08)) < 0.004]
    assert peaks == pytest.approx([0.02, 0.04, 0.08, 0.08, 0.08, 0.02], abs=0.004)


def test_a_pause_ends_whenever_the_caller_leaves() -> None:
    with source_of(FakeCapture(1, breaks=True), pauses=(30.0,)) as source:
        stream = iter(source)
        until_frames(stream, 1)
        start = time.monotonic()
        items = outages_of(list(itertools.islice(stream, 4)))
    assert time.monotonic() - start < 1
    assert [item.retry_in for item in items][:2] == pytest.approx([30, 29.9], abs=0.08)
    assert items[0].state == "no picture for 0 s · next try in 30 s"


def test_outages_come_every_tenth_of_a_second_while_an_opening_is_stuck() -> None:
    let_go = threading.Event()
    lives = [FakeCapture(1), FakeCapture(1, breaks=True)]

    def opened() -> Capture:
        if len(lives) == 1:
            let_go.wait(20)
        return lives.pop()

    with LiveSource(opened, "fake", pauses=(0.01,)) as source:
        stream = iter(source)
        until_frames(stream, 1)
        trying = outages_of(list(itertools.islice(stream, 6)))[1:]
        assert {(item.reason, item.retry_in) for item in trying} == {("fake: unplugged", 0.0)}
        assert max(b.time - a.time for a, b in itertools.pairwise(trying)) < 0.3
        let_go.set()
        assert frames_of(until_frames(stream, 1))


def test_a_driver_that_hangs_does_not_pile_up_threads() -> None:
    stuck = [FakeCapture(1), *(FakeCapture(0) for _ in range(30))]
    device = FakeDevice(*stuck)
    source = LiveSource(device, "fake", lost_after=0.01, open_within=0.01, pauses=(0.001,))
    with source:
        stream = iter(source)
        deadline = time.monotonic() + 10
        while device.opened < 8 and time.monotonic() < deadline:
            next(stream)
        for _ in range(20):
            next(stream)
        assert device.opened == 8
        stuck[0].let_go.set()
        while device.opened < 9 and time.monotonic() < deadline:
            next(stream)
        assert device.opened == 9, "one that came back makes room for another attempt"


# The end of a process


STUCK = """
import time
from edge.sources.live import LiveSource
class Capture:
    fps, format = 0.0, ""
    def read(self): time.sleep({seconds})
    def release(self): pass
source = LiveSource(Capture, "fake").__enter__()
next(iter(source))
print(time.monotonic())
"""


@pytest.mark.parametrize(("seconds", "least", "most"), [(1.0, 0.5, 1.5), (60.0, 2.3, 3.5)])
def test_the_end_of_a_process_waits_for_reads_but_not_for_ever(
    repository: Path, seconds: float, least: float, most: float
) -> None:
    command = [sys.executable, "-c", STUCK.format(seconds=seconds)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert least < time.monotonic() - float(done.stdout) < most


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_nothing_is_unfinished_once_readers_have_ended() -> None:
    with source_of(FakeCapture(1000)) as source:
        until_frames(iter(source), 1)
        assert unfinished_reads()
    assert wait_until(lambda: not unfinished_reads())
