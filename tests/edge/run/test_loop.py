"""Many frames from a source to the sinks, and what a run adds up to."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Generator, Iterable

import pytest

from edge.errors import SourceError
from edge.events import Event
from edge.run.lanes import Item
from edge.run.loop import run
from edge.run.stats import Stats
from edge.types import STAGES, Frame, Outage
from tests.edge.fakes import RecordingSink, frames, image, outage, result, seen, square


def results(items: Iterable[Frame | Outage | Event]) -> Generator[Item]:
    """What a recognizer that finds nobody makes of ``items``."""
    for item in items:
        yield (item, result(item.index)) if isinstance(item, Frame) else item


def never() -> bool:
    return False


def test_every_frame_goes_to_every_sink_and_all_is_closed() -> None:
    sinks = [RecordingSink(), RecordingSink()]
    run(results(frames(5)), sinks, never)
    for sink in sinks:
        assert [r.index for r in sink.results] == [0, 1, 2, 3, 4]
        assert sink.closed_with == [None]


def test_outages_and_events_go_to_every_sink_and_the_frames_go_on() -> None:
    first, second = frames(2)
    gone, told = outage(), Event("left", "fake", 1.0, track=1)
    sinks = [RecordingSink(), RecordingSink()]
    run(results([first, gone, told, second]), sinks, never)
    for sink in sinks:
        assert (sink.outages, sink.events) == ([gone], [told])
        assert [r.index for r in sink.results] == [0, 1]


def test_once_it_is_stopped_only_events_are_given() -> None:
    sink, left = RecordingSink(), Event("left", "fake", 1.0, track=1)
    run(results([*frames(5), outage(), left]), [sink], lambda: len(sink.results) == 3)
    assert (len(sink.results), sink.outages, sink.events) == (3, [], [left])
    assert sink.closed_with == [None]


def test_an_error_closes_everything_and_what_came_before_it_is_kept() -> None:
    def broken() -> Generator[Item]:
        yield from results(frames(3))
        raise SourceError("broken")

    sink = RecordingSink()
    with pytest.raises(SourceError, match="broken"):
        run(broken(), [sink], never)
    assert len(sink.results) == 3
    assert isinstance(sink.closed_with[0], SourceError)


def test_stats_add_up() -> None:
    ticks = itertools.count(10.0, 0.1)
    stats = Stats(clock=lambda: next(ticks))
    happy, sad = seen(square(10, 10, 5)), seen(square(40, 10, 5), "sad", 2, certain=False)
    for frame, faces in zip(frames(4), ([happy, sad], [happy], [happy], []), strict=True):
        stats.write(frame, result(frame.index, faces))
    assert (stats.frames, stats.dropped) == (4, 0)
    assert "people       2: happy 75.0%, sad 25.0%; certain in 75.0%" in "\n".join(
        stats.summary({})
    )
    assert stats.percentiles()["detect"] == (2.0, 2.0, 2.0)
    assert stats.percentiles()["total"] == (3.0, 3.0, 3.0)
    assert stats.fps == pytest.approx(4 / 0.303)
    assert stats.status() == "10 FPS · 3.0 ms"


def test_faces_in_photographs_are_no_people_over_time() -> None:
    stats = Stats()
    stats.write(frames(1, still=True)[0], result(0, [seen(square(10, 10, 5), track_id=None)]))
    assert "people       1 in 1 photograph: happy 100.0%" in "\n".join(stats.summary({}))


def test_people_are_counted_for_each_source() -> None:
    stats = Stats()
    for source, numbers in (("a.mp4", [1, 2]), ("b.mp4", [3]), ("c.mp4", [])):
        faces = [seen(square(10, 10, 5), track_id=number) for number in numbers]
        for frame in frames(2, source=source):
            stats.write(frame, result(frame.index, faces))
    assert (
        "people       3 in 3 inputs\n"
        "  a.mp4: 2: happy 100.0%; certain in 100.0%\n"
        "  b.mp4: 1: happy 100.0%; certain in 100.0%\n"
        "  c.mp4: none\n"
    ) in "\n".join(stats.summary({}))


def test_a_summary_of_hundreds_of_files_stays_short() -> None:
    stats = Stats()
    for n in range(300):
        stats.write(frames(1, source=f"{n}.mp4")[0], result())
    assert "  19.mp4: none\n  and 280 more\n" in "\n".join(stats.summary({}))


def test_a_file_has_progress() -> None:
    ticks = iter([10.003, 12.0])
    stats = Stats(clock=lambda: next(ticks))
    first, second = frames(2, fps=0.1)
    stats.write(dataclasses.replace(first, done=0.0), result())
    assert stats.progress() == ""
    stats.write(dataclasses.replace(second, done=0.25), result())
    assert stats.progress() == "25% done, 5.0 × real time, 0:06 left"
    assert stats.details().startswith("25% done, 5.0 × real time, 0:06 left · ")


def test_the_latency_of_live_frames_is_counted_from_their_capture() -> None:
    now = [0.0]
    stats = Stats(clock=lambda: now[0])
    for index, late in enumerate((0.004, 0.006, 0.008)):
        now[0] = index * 0.1 + late
        frame = Frame(image(), index, 0.0, live=True, dropped=index, captured_at=index * 0.1)
        stats.write(frame, result(index))
    assert stats.percentiles()["latency"] == pytest.approx((6, 7.8, 7.96))
    assert stats.status() == "10 FPS · 6.0 ms after capture"
    assert stats.details().endswith("(p50 6.0, p95 7.8, p99 8.0), 3 dropped")
    assert "latency" in "\n".join(stats.summary({}))


def test_each_camera_has_a_speed_of_its_own() -> None:
    now = [0.0]
    stats = Stats(clock=lambda: now[0])
    for index in range(4):
        for camera in range(2):
            at = index * (0.1 if camera else 0.2) + 0.01
            frame = Frame(image(), index, at, f"camera {camera}", live=True, captured_at=at)
            now[0] = at + (0.004 if camera else 0.02)
            stats.write(dataclasses.replace(frame, dropped=3 * camera), result(index))
    assert stats.corner() == "10 FPS · 4.0 ms after capture · camera 1, 12 dropped"
    stats.write(dataclasses.replace(frame, source="camera 0", dropped=0), result())
    assert stats.corner().endswith(" after capture · camera 0")
    assert stats.dropped == 12


@pytest.mark.parametrize("live", [False, True])
def test_one_frame_has_no_speed(live: bool) -> None:
    """Its own milliseconds alone would make hundreds of frames a second of a slow camera."""
    stats = Stats(clock=lambda: 100.004)
    stats.write(dataclasses.replace(frames(1)[0], live=live, captured_at=100.0), result())
    assert (stats.status(), stats.details()) == ("starting", "starting")


def test_a_file_has_no_latency() -> None:
    stats = Stats()
    stats.write(frames(1)[0], result())
    assert "latency" not in stats.percentiles()
    assert stats.details() == stats.status()


def test_each_outage_counts_once_and_the_speed_before_it_is_forgotten() -> None:
    stats = Stats()
    assert "outages" not in "\n".join(stats.summary({}))
    stats.lost(outage())  # it was not there yet
    for _ in range(2):
        stats.write(frames(1, live=True, captured_at=0.0)[0], result())
        stats.lost(outage(age=1.7, reason=""))
        for _ in range(3):
            stats.lost(outage(reason=""))
    assert "outages      2" in "\n".join(stats.summary({}))
    assert stats.status() == "starting"


def test_the_summary_names_everything() -> None:
    stats = Stats()
    for index in range(3):
        stats.write(frames(3)[index], result(index, [seen(square(10, 10, 5))]))
    text = "\n".join(stats.summary({"source": "fake", "model": "m.tflite"}))
    for word in ("source", "fake", "m.tflite", "frames", "happy 100.0%", *STAGES, "total"):
        assert word in text


def test_a_run_without_a_frame_has_a_summary() -> None:
    assert "frames       0" in "\n".join(Stats().summary({}))
    assert Stats().status() == "starting"
