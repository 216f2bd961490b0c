"""What the sinks make of a source that has no picture: never an old result."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import EdgeError
from edge.frames import Frame, Image, Outage, Sink
from edge.loop import Stop
from edge.settings import Recording
from edge.sinks import open_sinks
from edge.sinks.status import StatusLine
from edge.sinks.window import WindowSink
from edge.sinks.wrappers import Annotated, Guarded
from tests.edge.fakes import LABELS, FakeGui, RecordingSink, feed, frames, image, levels, outage


def test_an_outage_is_a_dark_picture_for_the_views_and_no_old_one() -> None:
    drawn: list[tuple[tuple[int, int], Outage]] = []

    def draw_outage(size: tuple[int, int], outage: Outage) -> Image:
        drawn.append((size, outage))
        return image(*size, value=3)

    view = RecordingSink()
    with Annotated([view], lambda picture, _: picture, draw_outage) as sink:
        sink.lost(outage())
        assert view.frames == [], "there is no size yet"
        feed(sink, [Frame(image(value=200), 7, 100.0, dropped=4)])
        sink.lost(outage(at=112.0))
    assert drawn == [((64, 48), outage())]
    dark = view.frames[1]
    assert (dark.index, dark.captured_at, dark.dropped, dark.image.max()) == (7, 112.0, 0, 3)
    assert view.results[1].tracks == ()
    assert view.outages == []


def test_a_recorded_video_is_dark_during_an_outage(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    [sink] = open_sinks([path], None, LABELS, lambda: 10.0, lambda: "", pytest.fail)
    with sink:
        feed(sink, [Frame(image(320, 240, 200), 0, 100.0)], tracks=0)
        for n in range(1, 6):
            sink.lost(outage(at=100 + n / 10))
        feed(sink, [Frame(image(320, 240, 200), 1, 100.6)], tracks=0)
    found = levels(path)
    assert len(found) == 7
    assert max(found[1:6]) < 60
    assert min(found[0], found[6]) > 150


def night(sink: Sink, seconds: float, at: float) -> None:
    """Let ``sink`` see a frame at ``at`` and then an outage, as a live source gives it."""
    feed(sink, [Frame(image(320, 240, 200), 0, at)], tracks=0)
    for n in range(round(2 / 0.1), round(seconds / 0.1)):
        sink.lost(Outage(at + n / 10, at, "fake: expected frames, found none; check its cable", 0))


def test_a_window_shows_all_of_an_outage_and_a_recording_its_beginning() -> None:
    view, recording = RecordingSink(), RecordingSink()
    with Annotated([view], lambda picture, _: picture, recordings=[recording]) as sink:
        night(sink, 60, at=100.0)
        assert len(view.frames) == 1 + 580
        assert recording.frames[-1].captured_at == pytest.approx(105, abs=0.11)
        assert len(recording.outages) == 581 - len(recording.frames)
        feed(sink, [Frame(image(320, 240, 200), 1, 160.0)], tracks=0)
    assert recording.frames[-1].captured_at == 160


@pytest.mark.parametrize("recording", [Recording(), Recording(rotate_mb=0.1, keep=1)])
def test_a_night_without_a_camera_takes_seconds_of_a_video(
    tmp_path: Path, recording: Recording
) -> None:
    path = tmp_path / "a.avi"
    [sink] = open_sinks([path], None, LABELS, lambda: 10.0, lambda: "", pytest.fail, recording)
    with sink:
        feed(sink, [Frame(image(320, 240, 200), n, 99 + n / 10) for n in range(10)], tracks=0)
        for outage in range(2):
            night(sink, 600, at=100.0 + 600 * outage)
        feed(sink, [Frame(image(320, 240, 200), n, 1300 + n / 10) for n in range(20)], tracks=0)
    found = [level for other in sorted(tmp_path.iterdir(), reverse=True) for level in levels(other)]
    bright = [level > 150 for level in found]
    assert len(found) - sum(bright) == pytest.approx(2 * 30, abs=2), "to the fifth second"
    assert sum(bright) == pytest.approx(10 + 2 * 20 + 20, abs=2), "no frame is held for the rest"
    assert bright[0]
    assert bright[-1]


def test_a_sink_that_fails_in_an_outage_is_reported_once() -> None:
    problems: list[EdgeError] = []
    sink = Guarded(RecordingSink(fails_at=1), problems.append)
    feed(sink, frames(1))
    for _ in range(3):
        sink.lost(outage())
    feed(sink, frames(1))
    assert [str(problem) for problem in problems] == ["fake: disk full"]


def test_a_status_line_tells_of_an_outage_every_second() -> None:
    said: list[str] = []
    now = iter([0.0, 0.1, 1.0, 1.5, 2.0])
    speed = "30 FPS"
    with StatusLine(LABELS, lambda: speed, said.append, Stop().set, lambda: next(now)) as sink:
        feed(sink, frames(1), tracks=0)
        for n, retry_in in enumerate((4.2, 3.9, 3.5, 0.0)):
            sink.lost(outage(retry_in, at=112.0 + n))
    assert said == [
        "frame 0 · 30 FPS · no face",
        "no picture for 13 s · next try in 4 s · fake: expected frames, found none; "
        "check its cable",
        "no picture for 15 s · trying now · fake: expected frames, found none; check its cable",
    ]


# The window, between two pictures


def test_the_window_is_attended_while_no_picture_comes() -> None:
    asked: list[bool] = []
    window = WindowSink(lambda: asked.append(True), gui=FakeGui(ord("q")))
    window.attend()
    assert asked == [], "nothing is shown yet"
    feed(window, frames(1))
    window.attend()
    assert asked == [True, True]


@pytest.mark.parametrize("shown", [True, False])
def test_a_window_that_was_closed_ends_a_wait(shown: bool) -> None:
    asked: list[bool] = []
    gui = FakeGui()
    window = WindowSink(lambda: asked.append(True), gui=gui)
    if shown:
        feed(window, frames(1))
    gui.closed = True
    window.attend()
    assert bool(asked) == shown
