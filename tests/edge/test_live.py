"""Live devices: the newest frame wins, no blocked call is waited for, what is lost comes back."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from edge.errors import NoCameraError, SourceError, SourceLostError
from edge.frames import Frame, Image, Outage
from edge.sources.live import PAUSES, LiveSource
from edge.sources.mailbox import Mailbox
from edge.sources.reader import Capture
from tests.edge.fakes import image


def never() -> bool:
    return False


class FakeCapture:
    """A device with a beat; after ``count`` frames its read blocks until it is let go.

    With ``breaks`` it raises instead.
    """

    fps, format = 25.0, "MJPG"

    def __init__(self, count: int, seconds: float = 0.002, breaks: bool = False) -> None:
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
        return image(value=self._left % 256)

    def release(self) -> None:
        self.released.set()


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
    quick = {"lost_after": 0.1, "pauses": (0.02,)}
    stop = options.pop("stop", never)
    return LiveSource(FakeDevice(*lives), "fake", stop, **(quick | options))


def until_frames(stream: Iterator[Frame | Outage], count: int) -> list[Frame | Outage]:
    """What ``stream`` gives until that many frames have come."""
    given: list[Frame | Outage] = []
    while sum(isinstance(item, Frame) for item in given) < count:
        given.append(next(stream))
    return given


def test_a_live_source_drops_what_nobody_took_and_counts_it() -> None:
    capture = FakeCapture(1000)
    with LiveSource(lambda: capture, "fake", never, asked="1280×720") as source:
        stream = iter(source)
        first = next(stream)
        time.sleep(0.1)
        second, third = next(stream), next(stream)
        assert source.description == "fake (64×48, 25 FPS, MJPG; asked for 1280×720)"
        assert source.fps == 25
    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert isinstance(third, Frame)
    assert [frame.index for frame in (first, second, third)] == [0, 1, 2]
    assert second.dropped >= 10
    assert third.dropped <= 2
    assert time.monotonic() - third.captured_at < 1
    assert capture.released.wait(1)


def test_the_wish_to_stop_ends_a_source_that_never_waits() -> None:
    asked = iter([False] * 5)
    done = partial(next, asked, True)
    with LiveSource(lambda: FakeCapture(10_000), "fake", done) as source:
        assert len(list(itertools.islice(source, 1000))) < 10


def test_the_wish_to_stop_ends_the_wait_for_a_blocked_read() -> None:
    capture, stop = FakeCapture(1), threading.Event()
    threading.Timer(0.1, stop.set).start()
    start = time.monotonic()
    with LiveSource(lambda: capture, "fake", stop.is_set) as source:
        assert len(list(source)) == 1
    assert time.monotonic() - start < 0.8
    capture.let_go.set()
    assert capture.released.wait(1), "the reader closes the device when it can"


def test_the_wish_to_stop_ends_a_blocked_first_opening() -> None:
    stop, let_go = threading.Event(), threading.Event()

    def blocked() -> Capture:
        let_go.wait(20)
        raise SourceError("too late")

    threading.Timer(0.1, stop.set).start()
    start = time.monotonic()
    with LiveSource(blocked, "fake", stop.is_set) as source:
        assert list(source) == []
    assert time.monotonic() - start < 0.8
    let_go.set()


def test_a_device_that_gives_no_frame_is_refused() -> None:
    capture = FakeCapture(0)
    source = LiveSource(lambda: capture, "fake", never, open_within=0.1)
    with pytest.raises(SourceError, match=r"fake: expected a frame within 0\.1 s"):
        source.__enter__()
    capture.let_go.set()
    assert capture.released.wait(1)


def test_a_wrong_first_opening_fails_at_once_and_is_not_tried_again() -> None:
    device = FakeDevice(SourceError("busy"), FakeCapture(1))
    start = time.monotonic()
    with pytest.raises(SourceError, match="busy"):
        LiveSource(device, "fake", never).__enter__()
    assert time.monotonic() - start < 1
    assert device.opened == 1


@pytest.mark.parametrize("busy", [True, False])
def test_a_patient_source_takes_a_first_opening_that_fails_for_an_outage(busy: bool) -> None:
    """Refused, or without a frame, as while the reader before it still holds the device."""
    silent = FakeCapture(0)
    device = FakeDevice(SourceError("busy") if busy else silent, FakeCapture(2, breaks=True))
    options = {"open_within": 0.1, "pauses": (0.02,)}
    with LiveSource(device, "fake", never, patient=True, **options) as source:  # type: ignore[arg-type]
        assert source.description == "fake"
        given = until_frames(iter(source), 1)
        assert source.description == "fake (64×48, 25 FPS, MJPG)"
        assert source.fps == 25
    outages = [item for item in given if isinstance(item, Outage)]
    assert outages[0].reason.startswith("busy" if busy else "fake: expected a frame within 0.1 s")
    assert outages[0].retry_in == pytest.approx(0.02, abs=0.01)
    assert [item.index for item in given if isinstance(item, Frame)] == [0]
    silent.let_go.set()


# What is lost comes back


def test_a_loss_is_noticed_within_two_seconds_by_default() -> None:
    capture = FakeCapture(3)
    with LiveSource(lambda: capture, "fake", never) as source:
        stream = iter(source)
        outage = next(item for item in stream if isinstance(item, Outage))
        assert 1 < time.monotonic() - outage.since < 2
    assert outage.retry_in == pytest.approx(1, abs=0.05)
    assert outage.reason.startswith("fake: expected frames, found none for 1.8 s; check its cable")
    capture.let_go.set()


def test_what_is_lost_comes_back_and_the_indices_go_on() -> None:
    blocked, broken, last = FakeCapture(1), FakeCapture(1, breaks=True), FakeCapture(1)
    with source_of(blocked, NoCameraError("gone"), broken, last) as source:
        given = until_frames(iter(source), 3)
        assert not blocked.released.is_set(), "it is stuck, and nobody waited for it"
        assert broken.released.wait(1)
    frames = [item for item in given if isinstance(item, Frame)]
    assert [frame.index for frame in frames] == [0, 1, 2]
    outages = [item for item in given if isinstance(item, Outage)]
    reasons = [reason for reason, _ in itertools.groupby(item.reason for item in outages)]
    assert reasons == [
        "fake: expected frames, found none for 0.1 s; check its cable and power",
        "gone",
        "fake: unplugged",
    ]
    assert {item.since for item in outages} == {frame.captured_at for frame in frames[:2]}
    blocked.let_go.set()
    assert blocked.released.wait(1), "the reader closes the device when it can"


def test_the_pauses_grow_and_begin_anew_after_a_frame() -> None:
    now = itertools.count(0.0, 1e-9)
    slept: list[float] = []
    gone = [NoCameraError("gone") for _ in range(6)]
    broken = FakeCapture(1, breaks=True), FakeCapture(1, breaks=True), FakeCapture(1)
    source = LiveSource(
        FakeDevice(broken[0], *gone, broken[1], broken[2]),
        "fake",
        never,
        clock=lambda: next(now) + sum(slept),
        sleep=slept.append,
    )
    with source:
        given = until_frames(iter(source), 3)
    waits = [item.retry_in for item in given if isinstance(item, Outage)]
    peaks = [now for before, now in itertools.pairwise([0.0, *waits]) if now > before]
    assert peaks == pytest.approx([1, 2, 5, 10, 30, 30, 30, 1], abs=1e-3)
    assert PAUSES == (1, 2, 5, 10, 30)
    assert sum(slept) == pytest.approx(109, abs=0.01)
    assert max(slept) <= 0.1


def test_outages_come_every_tenth_of_a_second_while_an_opening_is_stuck() -> None:
    let_go = threading.Event()
    lives = [FakeCapture(1), FakeCapture(1, breaks=True)]

    def opened() -> Capture:
        if len(lives) == 1:
            let_go.wait(20)
        return lives.pop()

    with LiveSource(opened, "fake", never, pauses=(0.01,)) as source:
        stream = iter(source)
        trying = [item for item in itertools.islice(stream, 8) if isinstance(item, Outage)][2:]
        assert {item.retry_in for item in trying} == {0.0}
        gaps = [b.at - a.at for a, b in itertools.pairwise(trying)]
        assert max(gaps) < 0.3
        let_go.set()
        assert isinstance(until_frames(stream, 1)[-1], Frame)


@pytest.mark.parametrize("pause", [20.0, 0.01])
def test_the_wish_to_stop_ends_an_outage(pause: float) -> None:
    """In the pause before an attempt, and in an attempt that is stuck."""
    stop, let_go = threading.Event(), threading.Event()
    lives = [FakeCapture(1, breaks=True)]

    def opened() -> Capture:
        if lives:
            return lives.pop()
        let_go.wait(20)
        raise SourceError("too late")

    with LiveSource(opened, "fake", stop.is_set, pauses=(pause,)) as source:
        stream = iter(source)
        for item in stream:
            if isinstance(item, Outage) and item.retry_in == (0.0 if pause < 1 else item.retry_in):
                break
        stop.set()
        start = time.monotonic()
        assert not any(isinstance(item, Frame) for item in stream)
    assert time.monotonic() - start < 0.8
    let_go.set()


def test_a_driver_that_hangs_does_not_pile_up_threads() -> None:
    stuck = [FakeCapture(1), *(FakeCapture(0) for _ in range(30))]
    device = FakeDevice(*stuck)
    source = LiveSource(device, "fake", never, lost_after=0.01, open_within=0.01, pauses=(0.001,))
    with source:
        stream = iter(source)
        deadline = time.monotonic() + 3
        while device.opened < 8 and time.monotonic() < deadline:
            next(stream)
        for _ in range(20):
            next(stream)
        assert device.opened == 8
        stuck[0].let_go.set()
        while device.opened < 9 and time.monotonic() < deadline:
            next(stream)
        assert device.opened == 9, "one that came back makes room for another attempt"
    for capture in stuck:
        capture.let_go.set()


def test_the_mailbox_keeps_the_newest() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.take(0) is None
    for item in (1, 2, 3):
        box.put(item)
    assert box.take(0) == (3, 2)
    box.put(4)
    box.fail(SourceLostError("gone"))
    assert box.take(0) == (4, 0), "what came before the end is still given"
    with pytest.raises(SourceLostError):
        box.take(0)
