"""Sinks made of sinks: failures that stay alone, and one picture for all."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import SinkError, TargetError
from edge.protocols import BaseSink
from edge.sinks.shared import Drawn, Guarded
from edge.types import Frame
from edge.vision.overlay import annotate
from tests.edge.sinks.makers import RecordingSink, face, feed, frames, outage, result, square


class Failing(BaseSink):
    """Fails with ``error`` wherever it is named in ``at``; counts how often it is closed."""

    def __init__(self, error: SinkError, *at: str) -> None:
        self.error, self.at, self.closed = error, at, 0

    def _meet(self, place: str) -> None:
        if place in self.at:
            raise self.error

    def __enter__(self) -> Failing:
        self._meet("enter")
        return self

    def __exit__(self, *problem: object) -> None:
        self.closed += 1
        self._meet("exit")

    def write(self, frame: Frame, result: object) -> None:
        self._meet("write")

    def lost(self, outage: object) -> None:
        self._meet("lost")


@pytest.mark.parametrize("place", ["write", "lost", "exit"])
def test_a_failure_is_logged_once_closes_the_sink_and_gives_the_exit_code(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    inner = Failing(TargetError("a.csv: no"), place, "exit")
    with Guarded(inner) as sink:
        feed(sink, frames(3))
        sink.lost(outage(2))
        sink.lost(outage(3))
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("ERROR", "a.csv: no")]
    assert sink.exit_code == 2
    assert inner.closed == (2 if place == "exit" else 1)


def test_what_goes_well_has_no_exit_code(caplog: pytest.LogCaptureFixture) -> None:
    inner = Failing(SinkError("no"))
    with Guarded(inner) as sink:
        feed(sink, frames(3))
    assert (sink.exit_code, inner.closed, caplog.messages) == (0, 1, [])


def test_what_cannot_be_opened_raises() -> None:
    with pytest.raises(SinkError, match="no"):
        Guarded(Failing(SinkError("no"), "enter")).__enter__()


def test_what_failed_is_opened_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    full = SinkError("a.csv: the disk is full")
    whole = RecordingSink()
    others: list[BaseSink] = [Failing(full, "enter"), whole]
    now = 0.0
    with Guarded(
        Failing(full, "write"), again=lambda: others.pop(0), name="a.csv", clock=lambda: now
    ) as sink:
        feed(sink, frames(2))  # fails, and is left alone for ten seconds
        now = 9.9
        feed(sink, frames(1))
        assert len(others) == 2
        now = 10.0
        feed(sink, frames(2))  # can't be opened yet
        assert len(others) == 1
        now = 29.9
        feed(sink, frames(1))
        assert len(others) == 1
        now = 30.0
        feed(sink, frames(3))
    assert len(whole.frames) == 3
    assert whole.closed_with == [None]
    assert caplog.messages == ["a.csv: the disk is full", "a.csv: written again"]
    assert sink.exit_code == 1, "something is missing"


def test_what_failed_is_not_opened_for_the_end() -> None:
    with Guarded(Failing(SinkError("no"), "write"), again=pytest.fail, clock=float) as sink:
        feed(sink, frames(1))


def test_one_that_fails_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    failing, other = RecordingSink(fails_at=2), RecordingSink()
    with Drawn([Guarded(failing)], [Guarded(other)]) as sink:
        feed(sink, frames(5))
    assert (len(failing.frames), len(other.frames)) == (2, 5)
    assert caplog.messages == ["fake: disk full"]


def test_views_and_recordings_share_one_annotated_picture() -> None:
    views, recording = [RecordingSink(), RecordingSink()], RecordingSink()
    with Drawn(views, [recording], lambda: "30 FPS") as sink:
        feed(sink, frames(2))
    seen = result(1, face(square(10, 20, 10)), time=1 / 25)
    expected = annotate(frames(2)[1].image, seen, "30 FPS")
    for other in (*views, recording):
        assert (other.frames[1].image == expected).all()
        assert other.frames[1].image is views[0].frames[1].image
        assert other.closed_with == [None]


def test_all_are_closed_where_one_cannot_be_opened() -> None:
    first = RecordingSink()
    with pytest.raises(SinkError, match="no"):
        Drawn([first], [Failing(SinkError("no"), "enter")]).__enter__()
    assert len(first.closed_with) == 1


def test_a_problem_elsewhere_reaches_the_sinks() -> None:
    view = RecordingSink()
    with pytest.raises(RuntimeError), Drawn([view]):
        raise RuntimeError
    assert isinstance(view.closed_with[0], RuntimeError)


# Outages


def test_a_short_wait_is_no_outage_for_people() -> None:
    assert not outage(1.7, reason="").is_shown
    assert outage(1.8, reason="").is_shown
    assert outage(0.1).is_shown


def test_of_an_outage_views_get_all_and_recordings_the_first_seconds() -> None:
    view, recording = RecordingSink(), RecordingSink()
    with Drawn([view], [recording]) as sink:
        feed(sink, [Frame(np.full((48, 64, 3), 200, np.uint8), 7, 100.0, "camera 0", live=True)])
        for given in (outage(1, reason=""), outage(2), outage(5), outage(5.1), outage(60)):
            sink.lost(given)
    assert [frame.time for frame in view.frames] == [100, 102, 105, 105.1, 160]
    assert [frame.time for frame in recording.frames] == [100, 102, 105]
    assert [given.age for given in view.outages] == [1]
    assert [given.age for given in recording.outages] == [1, 5.1, 60]
    dark = recording.frames[1]
    assert dark.image.shape == (48, 64, 3)
    assert np.median(dark.image) < 40
    assert (dark.source, dark.live, recording.results[1].faces) == ("camera 0", True, ())


def test_before_the_first_frame_only_views_show_an_outage() -> None:
    view, recording = RecordingSink(), RecordingSink()
    with Drawn([view], [recording]) as sink:
        sink.lost(outage(2))
    assert view.frames[0].live
    assert (recording.frames, len(recording.outages)) == ([], 1)
