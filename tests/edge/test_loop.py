"""One frame through the stages, and many from a source to the sinks."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Self

import pytest

from edge.errors import EdgeError, SinkError, SourceError
from edge.frames import Frame, FrameResult, Outage
from edge.loop import Stop, run
from edge.pipeline import STAGES, Look, Pipeline
from edge.sinks.wrappers import Guarded
from edge.stats import Stats
from edge.tracking import Tracker
from tests.edge.fakes import (
    LABELS,
    FakeClassifier,
    FakeDetector,
    FakeSource,
    RecordingSink,
    blank_crops,
    frames,
    image,
    outage,
    result,
    square,
    track,
)


def pipeline(*boxes: object) -> Pipeline:
    look = Look(FakeDetector(*boxes), blank_crops, FakeClassifier())
    return Pipeline(look, Tracker(LABELS, 0.4))


def test_a_frame_passes_the_four_timed_stages() -> None:
    box = square(30, 20, 10)
    frame = frames(3)[2]
    found = pipeline(box).process(frame)
    assert (found.index, found.captured_at) == (2, frame.captured_at)
    assert [(t.id, t.box, t.emotion) for t in found.tracks] == [(1, box, "happy")]
    assert tuple(found.stage_ms) == STAGES
    assert all(ms >= 0 for ms in found.stage_ms.values())


def test_a_frame_without_a_face_has_a_result_too() -> None:
    found = pipeline().process(frames(1)[0])
    assert list(found.tracks) == []
    assert tuple(found.stage_ms) == STAGES


def test_every_frame_goes_to_every_sink_and_all_is_closed() -> None:
    source, sinks = FakeSource(frames(5)), [RecordingSink(), RecordingSink()]
    assert run(source, pipeline(), sinks, Stop(), pytest.fail), "it has ended by itself"
    for sink in sinks:
        assert [r.index for r in sink.results] == [0, 1, 2, 3, 4]
        assert sink.closed_with == [None]
    assert source.closed


def test_a_lost_source_is_reported_and_what_came_before_is_kept() -> None:
    problems: list[EdgeError] = []
    sink = RecordingSink()
    run(FakeSource(frames(3), lost=True), pipeline(), [sink], Stop(), problems.append)
    assert [str(problem) for problem in problems] == ["fake: lost"]
    assert len(sink.results) == 3
    assert sink.closed_with == [None], "closed as after a full run"


def test_an_outage_goes_to_every_sink_and_the_frames_go_on() -> None:
    first, second = frames(2)
    gone = outage()
    sinks = [RecordingSink(), RecordingSink()]
    run(FakeSource([first, gone, second]), pipeline(), sinks, Stop(), pytest.fail)
    for sink in sinks:
        assert sink.outages == [gone]
        assert [r.index for r in sink.results] == [0, 1]


def test_the_wish_to_stop_ends_an_endless_outage() -> None:
    stop = Stop()

    class Stopping(RecordingSink):
        def lost(self, outage: Outage) -> None:
            super().lost(outage)
            stop.set()

    sink = Stopping()
    run(FakeSource(itertools.repeat(outage())), pipeline(), [sink], stop, pytest.fail)  # type: ignore[arg-type]
    assert len(sink.outages) == 1
    assert sink.closed_with == [None]


def test_the_wish_to_stop_while_the_source_is_opened_opens_no_sink() -> None:
    stop = Stop()

    class Slow(FakeSource):
        def __enter__(self) -> Self:
            stop.set()
            return super().__enter__()

    source, sink = Slow(frames(3)), RecordingSink()
    assert not run(source, pipeline(), [sink], stop, pytest.fail)
    assert source.closed
    assert (sink.results, sink.closed_with) == ([], [])


def test_the_wish_to_stop_ends_an_endless_source() -> None:
    stop = Stop()

    class Stopping(RecordingSink):
        def write(self, frame: Frame, result: FrameResult) -> None:
            super().write(frame, result)
            if frame.index == 2:
                stop.set()

    sink = Stopping()
    endless = itertools.cycle(frames(10))
    assert not run(FakeSource(endless), pipeline(), [sink], stop, pytest.fail)  # type: ignore[arg-type]
    assert len(sink.results) == 3
    assert sink.closed_with == [None]


def test_a_failing_sink_is_reported_once_and_the_others_go_on() -> None:
    problems: list[EdgeError] = []
    bad, good = RecordingSink(fails_at=2), RecordingSink()
    sinks = [Guarded(bad, problems.append), Guarded(good, problems.append)]
    run(FakeSource(frames(6)), pipeline(), sinks, Stop(), problems.append)
    assert [str(problem) for problem in problems] == ["fake: disk full"]
    assert len(bad.results) == 2
    assert len(bad.closed_with) == 1
    assert isinstance(bad.closed_with[0], SinkError), "it may throw away what is half-written"
    assert len(good.results) == 6


def test_an_error_that_is_nobodys_fault_closes_everything() -> None:
    class Broken:
        def process(self, frame: Frame) -> FrameResult:
            raise SourceError("broken")

    source, sink = FakeSource(frames(2)), RecordingSink()
    with pytest.raises(SourceError, match="broken"):
        run(source, Broken(), [sink], Stop(), pytest.fail)
    assert source.closed
    assert isinstance(sink.closed_with[0], SourceError)


def test_stats_add_up() -> None:
    ticks = itertools.count(10.0, 0.1)
    stats = Stats(clock=lambda: next(ticks))
    happy, sad = track(square(10, 10, 5)), track(square(40, 10, 5), "sad", 2)
    for frame, tracks in zip(frames(4), ([happy, sad], [happy], [happy], []), strict=True):
        stats.write(Frame(frame.image, frame.index, 0.0, dropped=2), result(frame.index, tracks))
    assert (stats.frames, stats.faces, stats.dropped) == (4, 4, 8)
    assert stats.shares() == "happy 75.0%, sad 25.0%"
    assert stats.percentiles()["detect"] == (2.0, 2.0, 2.0)
    assert stats.percentiles()["total"] == (3.0, 3.0, 3.0)
    assert stats.fps == pytest.approx(4 / 0.303)
    assert stats.status() == "10 FPS · 3.0 ms"


def test_the_latency_of_live_frames_is_counted_from_their_capture() -> None:
    now = [0.0]
    stats = Stats(clock=lambda: now[0])
    for index, late in enumerate((0.004, 0.006, 0.008)):
        now[0] = index * 0.1 + late
        frame = Frame(image(), index, index * 0.1, dropped=index, live=True)
        stats.write(frame, result(index, at=index * 0.1))
    assert stats.percentiles()["latency"] == pytest.approx((6, 7.8, 7.96))
    assert stats.status() == "10 FPS · 6.0 ms after capture"
    assert stats.details().endswith("(p50 6.0, p95 7.8, p99 8.0), 3 dropped")
    assert "latency" in stats.summary({})


@pytest.mark.parametrize("live", [False, True])
def test_one_frame_has_no_speed(live: bool) -> None:
    """Its own milliseconds alone would make hundreds of frames a second of a slow camera."""
    stats = Stats(clock=lambda: 100.004)
    stats.write(dataclasses.replace(frames(1)[0], live=live), result())
    assert (stats.status(), stats.details()) == ("starting", "starting")


def test_a_files_own_clock_is_no_latency() -> None:
    stats = Stats()
    stats.write(frames(1)[0], result())
    assert "latency" not in stats.percentiles()
    assert stats.details() == stats.status()


def test_stats_count_each_outage_once_and_forget_the_speed_before_it() -> None:
    stats = Stats()
    assert "outages" not in stats.summary({})
    for since in (1.0, 1.0, 1.0, 5.0):
        stats.write(frames(1)[0], result())
        stats.lost(Outage(9.0, since, "gone", 1.0))
    assert "outages      2" in stats.summary({})
    assert stats.status() == "starting"


def test_the_summary_names_everything() -> None:
    stats = Stats()
    for index in range(3):
        stats.write(frames(3)[index], result(index, [track(square(10, 10, 5))]))
    text = stats.summary({"source": "fake", "model": "m.tflite"})
    for word in ("source", "fake", "m.tflite", "frames", "3, 0 dropped", "happy 100.0%", *STAGES):
        assert word in text
    assert "total" in text


def test_a_run_without_a_frame_has_a_summary() -> None:
    assert "0, 0 dropped" in Stats().summary({})
    assert Stats().status() == "starting"
