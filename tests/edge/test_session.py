"""Settings that change while a run goes on."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pytest

from edge.assembly import Run
from edge.errors import EdgeError, SettingsError, SinkError
from edge.frames import Frame, FrameResult
from edge.loop import Stop
from edge.notify import Manager
from edge.session import Reload, Session, Stretch, StretchStop, Wish
from edge.settings import Settings
from edge.sinks.jsonl import JsonLines
from edge.sinks.records import RecordSink
from edge.stats import Stats
from tests.edge.fakes import LABELS, FakeSource, RecordingSink, frames, result


class FakePipeline:
    def process(self, frame: Frame) -> FrameResult:
        return result(frame.index)


class Acting(RecordingSink):
    """Does something at its fourth frame, as a signal does."""

    def __init__(self, action: Callable[[], None]) -> None:
        super().__init__()
        self._action = action

    def write(self, frame: Frame, result: FrameResult) -> None:
        super().write(frame, result)
        if frame.index == 3:
            self._action()


class ToldManager(Manager):
    """Keeps the first line of what it is told."""

    def __init__(self) -> None:
        super().__init__({})
        self.heard: list[str] = []

    def tell(self, *lines: str) -> bool:
        self.heard.append(lines[0])
        return True


class Unopened(RecordingSink):
    """Can't be opened."""

    def __enter__(self) -> Self:
        raise SinkError("fake: another run writes it")


class Failing(RecordingSink):
    """Opens, and fails in a way that nobody guards."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        raise SinkError("fake: broken")


class Trial:
    """A session of fakes with ten frames a stretch; ``happens`` in the fourth of the first.

    ``sinks`` are those of the stretches of these numbers.
    """

    def __init__(
        self,
        reread: Callable[[], Settings],
        happens: Callable[[Session], None] | None = None,
        sinks: Mapping[int, RecordingSink] | None = None,
        live: bool = True,
    ) -> None:
        self.manager = ToldManager()
        self.refused: list[str] = []
        self.asked: list[tuple[int, str]] = []
        """The frames that each stretch was built for, and the source before it."""
        self.pipelines: list[weakref.ref[FakePipeline]] = []
        self.played: list[tuple[int, int]] = []
        """The threads that each stretch was set to, and how many frames it had."""
        self._sinks: list[RecordingSink] = []
        self._happens = happens or (lambda session: session.reload.set())
        first = Acting(lambda: self._happens(self._session))
        self._given, self._live = {0: first, **(sinks or {})}, live
        self._session = Session(
            self._assemble,
            lambda old: reread(),
            self.manager,
            pytest.fail,
            lambda error: self.refused.append(str(error)),
            self._finished,
        )

    def run(self, settings: Settings) -> None:
        self._session.prepare(settings)
        self._session.run()

    def _assemble(self, settings: Settings, stop: Stop, before: str) -> Run:
        sink = self._given.get(len(self._sinks)) or RecordingSink()
        self._sinks.append(sink)
        self.asked.append((settings.frames, before))
        writers = [RecordSink(path, JsonLines(LABELS)) for path in settings.output]
        given = [dataclasses.replace(frame, live=self._live) for frame in frames(10)]
        pipeline, stats = FakePipeline(), Stats()
        self.pipelines.append(weakref.ref(pipeline))
        return Run(FakeSource(given), pipeline, (sink, stats, *writers), stats, "", "")

    def _finished(self, stretch: Stretch, by_itself: bool) -> None:
        sink = stretch.parts.sinks[0]
        assert isinstance(sink, RecordingSink)
        assert sink.closed_with == [None]
        self.played.append((stretch.settings.threads, len(sink.results)))


def unreadable() -> Settings:
    raise SettingsError("threads: expected 1…64, found 0")


def test_new_settings_begin_a_stretch_of_their_own_between_two_frames() -> None:
    trial = Trial(lambda: Settings(threads=2))
    trial.run(Settings())
    assert trial.played == [(1, 4), (2, 10)]
    assert trial.refused == []
    assert trial.manager.heard == [
        *("READY=1", "WATCHDOG=1", "RELOADING=1", "READY=1", "WATCHDOG=1")
    ]


def test_settings_that_cannot_be_read_leave_the_old_ones_running() -> None:
    trial = Trial(unreadable)
    trial.run(Settings())
    assert trial.played == [(1, 10)]
    assert trial.refused == ["threads: expected 1…64, found 0"]
    assert trial.manager.heard == ["READY=1", "WATCHDOG=1", "RELOADING=1", "READY=1"]


def test_the_end_goes_before_new_settings() -> None:
    def both(session: Session) -> None:
        session.reload.set()
        session.stop.set()

    trial = Trial(lambda: Settings(threads=2), both)
    trial.run(Settings())
    assert trial.played == [(1, 4)]


def test_the_end_while_new_settings_are_read_is_not_lost() -> None:
    sessions: list[Session] = []

    def reread() -> Settings:
        sessions[0].stop.set()
        return Settings(threads=2)

    def remember(session: Session) -> None:
        sessions.append(session)
        session.reload.set()

    trial = Trial(reread, remember)
    trial.run(Settings())
    assert trial.played == [(1, 4)]


def test_what_does_not_open_sends_the_run_back_to_the_settings_before() -> None:
    trial = Trial(lambda: Settings(threads=2), sinks={1: Unopened()})
    trial.run(Settings())
    assert trial.played == [(1, 4), (1, 10)]
    assert trial.refused == ["fake: another run writes it"]
    assert trial.manager.heard == [
        *("READY=1", "WATCHDOG=1", "RELOADING=1", "READY=1", "WATCHDOG=1")
    ]


@pytest.mark.parametrize("unopened", [[0], [1, 2]])
def test_the_first_settings_and_the_last_resort_must_open(unopened: list[int]) -> None:
    sinks = {number: Unopened() for number in unopened}
    trial = Trial(lambda: Settings(threads=2), sinks=sinks)
    with pytest.raises(SinkError, match="another run writes it"):
        trial.run(Settings())
    assert len(trial.played) == min(unopened)


def test_an_end_before_the_beginning_is_no_failure() -> None:
    """What waits for a display or a detector gives up then, with an error that is none."""

    def give_up(settings: Settings, stop: Stop, before: str) -> Run:
        session.stop.set()
        raise SinkError("window: expected a display, found that it doesn't answer")

    session = Session(
        give_up, lambda old: old, ToldManager(), pytest.fail, pytest.fail, pytest.fail
    )
    session.prepare(Settings(display="on"))
    session.run()


def test_an_error_in_a_stretch_that_had_opened_ends_the_run() -> None:
    trial = Trial(lambda: Settings(threads=2), sinks={1: Failing()})
    with pytest.raises(SinkError, match="fake: broken"):
        trial.run(Settings())
    assert trial.refused == []


def test_the_limit_of_frames_counts_over_all_stretches_and_the_source_before_is_known() -> None:
    trial = Trial(lambda: Settings(threads=2, frames=9, source="1"), sinks={1: Unopened()})
    trial.run(Settings(frames=12, source="0"))
    assert trial.asked == [(12, ""), (5, "0"), (8, "0")]


def test_a_limit_that_is_reached_already_is_refused() -> None:
    trial = Trial(lambda: Settings(threads=2, frames=4))
    trial.run(Settings())
    assert trial.played == [(1, 10)]
    assert "frames: expected more than the 4 that this run has had, found 4" in trial.refused[0]


def test_a_source_that_would_begin_anew_takes_no_new_settings() -> None:
    trial = Trial(lambda: Settings(threads=2), live=False)
    trial.run(Settings())
    assert trial.played == [(1, 10)]
    assert "found one that would begin anew; end the run" in trial.refused[0]
    assert len(trial.refused) == 1


def test_a_stretch_that_has_ended_is_freed_at_once() -> None:
    alive: list[bool] = []
    second = Acting(lambda: alive.append(trial.pipelines[0]() is not None))
    trial = Trial(lambda: Settings(threads=2), sinks={1: second})
    gc.disable()
    try:
        trial.run(Settings())
    finally:
        gc.enable()
    assert alive == [False]


def test_what_was_recorded_before_is_kept_under_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    (tmp_path / "a.part00001.jsonl").write_text("earlier")
    Trial(lambda: Settings(output=(path,))).run(Settings(output=(path,)))
    lines = {file.name: len(file.read_text().splitlines()) for file in tmp_path.iterdir()}
    assert lines == {"a.part00001.jsonl": 1, "a.part00002.jsonl": 4, "a.jsonl": 10}


def test_a_lost_source_does_not_keep_new_settings_waiting() -> None:
    wish, stop = Wish(), StretchStop(Stop())
    stretch = Stretch(Settings(), None, stop)  # type: ignore[arg-type]
    reload = Reload(wish, lambda: stretch, stop, ToldManager(), pytest.fail)
    reload.lost("an outage")
    assert not stop.is_set()
    wish.set()
    reload.lost("an outage")
    assert stop.is_set()
    assert reload.next is stretch


def test_a_wish_is_fulfilled_once() -> None:
    refused: list[EdgeError] = []

    def fail() -> Stretch:
        return unreadable()  # type: ignore[return-value]

    wish = Wish()
    reload = Reload(wish, fail, StretchStop(Stop()), ToldManager(), refused.append)
    wish.set()
    for _ in range(3):
        reload.lost("an outage")
    assert [str(error) for error in refused] == ["threads: expected 1…64, found 0"]


def test_a_build_that_the_end_interrupts_is_not_refused() -> None:
    wish, stop = Wish(), StretchStop(Stop())

    def interrupted() -> Stretch:
        stop.set()
        raise SettingsError("expected an answer, found none")

    reload = Reload(wish, interrupted, stop, ToldManager(), pytest.fail)
    wish.set()
    reload.lost("an outage")
    assert reload.next is None
