"""Settings that change while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.assembly import Run
from edge.errors import EdgeError, SettingsError
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

    def tell(self, *lines: str) -> None:
        self.heard.append(lines[0])


class Trial:
    """A session of fakes with ten frames a stretch; ``happens`` in the fourth of the first."""

    def __init__(
        self, reread: Callable[[], Settings], happens: Callable[[Session], None] | None = None
    ) -> None:
        self.manager = ToldManager()
        self.refused: list[str] = []
        self.played: list[tuple[int, int]] = []
        """The threads that each stretch was set to, and how many frames it had."""
        self._sinks: list[RecordingSink] = []
        self._happens = happens or (lambda session: session.reload.set())
        self._session = Session(
            self._assemble,
            reread,
            self.manager,
            pytest.fail,
            lambda error: self.refused.append(str(error)),
            self._finished,
        )

    def run(self, settings: Settings) -> None:
        self._session.run(self._session.build(settings))

    def _assemble(self, settings: Settings, stop: Stop) -> Run:
        sink = RecordingSink() if self._sinks else Acting(lambda: self._happens(self._session))
        self._sinks.append(sink)
        writers = [RecordSink(path, JsonLines(LABELS)) for path in settings.output]
        source, pipeline = FakeSource(frames(10)), FakePipeline()
        return Run(source, pipeline, (sink, *writers), Stats(), "", "")  # type: ignore[arg-type]

    def _finished(self, stretch: Stretch) -> None:
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
    for frame in frames(3):
        reload.write(frame, result())
    assert len(refused) == 1
