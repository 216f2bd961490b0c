"""What is said of a source while it gives frames, and how old these are when they are shown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest

from edge.assembly import source_state
from edge.errors import SourceLostError
from edge.frames import Frame, FrameResult, Image
from edge.loop import Stop, run
from edge.sources.live import LiveSource
from edge.sources.mailbox import Mailbox
from edge.sources.wrappers import Limited
from edge.stats import Stats
from tests.edge.fakes import FakeSource, frames, image, result


class Life:
    """A device that gives a picture of ``width`` and is lost."""

    fps, format = 25.0, "MJPG"

    def __init__(self, width: int) -> None:
        self._pictures = [image(width, 48)]

    def read(self) -> Image | None:
        if not self._pictures:
            raise SourceLostError("fake: unplugged")
        return self._pictures.pop()

    def release(self) -> None:
        """Nothing is held."""


def test_what_a_camera_grants_is_said_once_it_is_open_and_again_where_that_changes() -> None:
    lives, said = iter([Life(64), Life(64), Life(32)]), []
    source = LiveSource(
        lambda: next(lives), "fake", lambda: False, "1280×720", said.append, pauses=(0.01,)
    )
    with source:
        assert said == ["fake (64×48, 25 FPS, MJPG; asked for 1280×720)"], "before the first frame"
        pictures = (item for item in source if isinstance(item, Frame))
        assert [frame.image.shape[1] for frame in itertools.islice(pictures, 3)] == [64, 64, 32]
    assert said[1:] == ["fake (32×48, 25 FPS, MJPG; asked for 1280×720)"]


def test_an_overlay_says_where_frames_come_from_and_how_many_were_dropped() -> None:
    stats = Stats()
    source = Limited(FakeSource([]), 1)
    assert source_state(source, stats) == "fake live"
    for frame in frames(2):
        stats.write(Frame(frame.image, frame.index, 0.0, dropped=3, live=True), result())
    assert source_state(source, stats) == "fake live, 6 dropped"


def test_a_long_address_does_not_fill_the_picture() -> None:
    source = FakeSource([])
    source.state = "rtsp://camera-in-the-entrance.example/Streaming/Channels/101 live"
    assert source_state(source, Stats()) == "rtsp://camera-in-the-entran…"


class FakeTime:
    """A clock that somebody puts forward."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class PacedDevice(FakeSource):
    """A camera of ``fps`` in fake time, whose reader puts each frame into the mailbox at once."""

    def __init__(self, fps: int, clock: FakeTime, count: int) -> None:
        super().__init__([])
        self._clock, self._due = clock, [n / fps for n in range(1, count + 1)]

    def __iter__(self) -> Iterator[Frame]:
        box: Mailbox[float] = Mailbox()
        due = iter([*self._due, float("inf")])
        following = next(due)
        for index in itertools.count():
            while following <= self._clock.now:
                box.put(following)
                following = next(due)
            taken = box.take(0)
            if taken is None and following == float("inf"):
                return
            if taken is None:
                self._clock.now = following
                box.put(following)
                following = next(due)
                taken = box.take(0)
            assert taken is not None
            yield Frame(image(8, 8), index, taken[0], taken[1], live=True)


class Busy:
    """A pipeline that takes one of these times after the other, in seconds of fake time."""

    def __init__(self, clock: FakeTime, seconds: Sequence[float]) -> None:
        self._clock, self._seconds = clock, itertools.cycle(seconds)

    def process(self, frame: Frame) -> FrameResult:
        seconds = next(self._seconds)
        self._clock.now += seconds
        return FrameResult(frame.index, frame.captured_at, (), {"detect": seconds * 1e3})


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("seconds", [(0.004,), (0.03, 0.036), (0.05, 0.06, 0.2), (0.001, 0.09)])
def test_a_result_is_no_older_than_its_work_and_one_frame(
    fps: int, seconds: Sequence[float]
) -> None:
    """Whatever the work takes: what waits is the newest frame, and it waits for no other one."""
    clock = FakeTime()
    stats = Stats(clock)
    run(PacedDevice(fps, clock, 600), Busy(clock, seconds), [stats], Stop(), pytest.fail)
    found = stats.percentiles()
    assert found["latency"][1] <= found["total"][1] + 1e3 / fps + 1e-6
    assert stats.frames + stats.dropped == 600
    assert (stats.dropped == 0) == (sum(seconds) / len(seconds) <= 1 / fps)
