"""A program at each event: what it is told, how many run, and what becomes of failures."""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edge.errors import SettingsError
from edge.events import Event
from edge.sinks.command import CommandSink, variables

WRITES = 'echo "$EXPRESSION_EVENT $EXPRESSION_TRACK $EXPRESSION_LABEL" >> log\n'
WAITS = "while [ ! -e gate ]; do sleep 0.01; done\n"


def event(kind: str = "appeared", track: int | None = 1, label: str | None = "happy") -> Event:
    return Event(kind, "camera 0", 2.5, None, track, label, 0.9, True)  # type: ignore[arg-type]


Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes a program of lines of shell, which runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    wait_for(lambda: not children())  # one that began as its run ended may live a moment longer

    def make(lines: str) -> str:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{lines}")
        program.chmod(0o755)
        return "./program"

    return make


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it happens in time"
        time.sleep(0.01)


def lines(name: str = "log") -> list[str]:
    path = Path(name)
    return path.read_text().splitlines() if path.exists() else []


def children(state: str = "") -> list[str]:
    """The numbers of this process's children, of those in ``state`` where one is given."""
    stats = {path.name: read(path / "stat") for path in Path("/proc").glob("[0-9]*")}
    fields = {number: stat.rpartition(")")[2].split() for number, stat in stats.items() if stat}
    own = str(os.getpid())
    return [number for number, (is_, of, *_) in fields.items() if of == own and state in is_]


def read(path: Path) -> str:
    """What a file of /proc says, nothing where its thread or process has ended."""
    with suppress(OSError):
        return path.read_text()
    return ""


def test_a_program_has_the_details_twice(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    told = Event(
        *("changed", "camera 0", 12.3456789, 1.5, 3, "sad", 0.61234, False, "happy", 4.0)  # type: ignore[arg-type]
    )
    with CommandSink(script('echo "$1"; env > variables; cat > record') + " 'two words'") as sink:
        sink.notice(told)
    assert caplog.messages == [], "what goes well is not spoken of"
    assert json.loads(Path("record").read_text()) == told.to_dict()
    seen = dict(line.split("=", 1) for line in lines("variables") if "=" in line)
    assert {name: seen[name] for name in seen if name.startswith("EXPRESSION_")} == {
        "EXPRESSION_EVENT": "changed",
        "EXPRESSION_SOURCE": "camera 0",
        "EXPRESSION_TIME": "12.345679",
        "EXPRESSION_WALL_TIME": "1970-01-01T00:00:01.500+00:00",
        "EXPRESSION_TRACK": "3",
        "EXPRESSION_LABEL": "sad",
        "EXPRESSION_FROM": "happy",
        "EXPRESSION_SCORE": "0.6123",
        "EXPRESSION_CERTAIN": "false",
        "EXPRESSION_DURATION": "4.0",
        "EXPRESSION_REASON": "",
    }
    assert seen["PATH"] == os.environ["PATH"]


def test_what_does_not_apply_is_empty() -> None:
    lost = variables(Event("source_lost", "camera 0", 3.0, duration=1.8, reason="unplugged"))
    assert (lost["EXPRESSION_TRACK"], lost["EXPRESSION_CERTAIN"]) == ("", "")
    assert (lost["EXPRESSION_REASON"], lost["EXPRESSION_DURATION"]) == ("unplugged", "1.8")


def test_no_shell_reads_the_command(script: Script) -> None:
    with CommandSink(script('printf "%s\\n" "$@" > log') + " '$HOME' '*' ~ ';'") as sink:
        sink.notice(event())
    assert lines() == ["$HOME", "*", str(Path.home()), ";"]


def test_its_output_goes_to_standard_error(
    script: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    with CommandSink(script("echo played; echo sung >&2")) as sink:
        sink.notice(event())
    assert capfd.readouterr() == ("", "played\nsung\n")


def test_it_has_a_session_of_its_own(script: Script) -> None:
    with CommandSink(script('echo $$ "$(cut -d" " -f6 /proc/$$/stat)" > log')) as sink:
        sink.notice(event())
    number, session = lines()[0].split()
    assert number == session


def test_it_inherits_no_file(script: Script, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w"), CommandSink(script("ls -l /proc/$$/fd > log")) as sink:
        sink.notice(event())
    assert "/open" not in Path("log").read_text()


@pytest.mark.parametrize("program", ["sleep 1", "exec <&-; sleep 1", "cat"])
def test_an_event_costs_the_loop_microseconds(script: Script, program: str) -> None:
    spent = []
    with CommandSink(script(program)) as sink:
        for n in range(400):
            began = time.perf_counter()
            sink.notice(event("changed", n % 40))
            spent.append(time.perf_counter() - began)
    assert statistics.median(spent) < 0.001


def test_programs_for_a_person_follow_one_another(script: Script) -> None:
    once = "mkdir lock || echo two >> log; sleep 0.05; rmdir lock\n"
    with CommandSink(script(WRITES + once), slot=0) as sink:
        sink.notice(event("appeared"))
        sink.notice(event("changed", label="sad"))
        sink.notice(event("left", label="sad"))
    assert lines() == ["appeared 1 happy", "changed 1 sad", "left 1 sad"]


def test_four_run_side_by_side_and_no_more(script: Script) -> None:
    with CommandSink(script(WRITES + WAITS), slot=0) as sink:
        for track in range(1, 7):
            sink.notice(event(track=track))
        wait_for(lambda: len(lines()) == 4)
        assert len(children()) == 4
        time.sleep(0.1)
        assert len(lines()) == 4
        Path("gate").touch()
    assert len(lines()) == 6


def test_the_newest_change_waits_and_a_leaving_too(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    with CommandSink(script(WRITES + WAITS), slot=0) as sink:
        sink.notice(event("appeared"))
        wait_for(lines)
        for label in ("sad", "angry", "neutral"):
            sink.notice(event("changed", label=label))
        sink.notice(event("changed", 2, "sad"))
        sink.notice(event("left"))
        Path("gate").touch()
    assert [line for line in lines() if " 1 " in line] == [
        *("appeared 1 happy", "changed 1 neutral", "left 1 happy")
    ]
    assert "changed 2 sad" in lines()
    assert "to be done in time, found more events waiting" in caplog.messages[0]
    assert caplog.messages[1:] == ["on-change: 4 runs, 2 events left out"]


def test_of_a_source_the_last_state_is_told_last(script: Script) -> None:
    with CommandSink(script(WRITES + WAITS), slot=0) as sink:
        sink.notice(event("source_lost", None, None))
        wait_for(lines)
        for kind in ("source_back", "source_lost", "source_back"):
            sink.notice(event(kind, None, None))
        Path("gate").touch()
    assert [line.strip() for line in lines()] == ["source_lost", "source_lost", "source_back"]


def test_of_a_crowd_the_newest_are_kept_and_who_leaves(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    with CommandSink(script(WRITES + WAITS), slot=0) as sink:
        for track in range(4):
            sink.notice(event(track=track))
        wait_for(lambda: len(lines()) == 4)
        for track in range(4):
            sink.notice(event("left", track))
        for track in range(10, 200):
            sink.notice(event(track=track))
        Path("gate").touch()
    newest = {f"appeared {n} happy" for n in range(140, 200)}
    assert set(lines()[4:]) == newest | {f"left {n} happy" for n in range(4)}
    assert len(caplog.messages) == 2
    assert caplog.messages[1] == "on-change: 68 runs, 130 events left out"


def test_each_place_starts_one_in_its_time(script: Script) -> None:
    with CommandSink(script("date +%s.%N >> log"), slot=0.4) as sink:
        for track in range(9):
            sink.notice(event(track=track))
        wait_for(lambda: len(lines()) == 9)
    starts = sorted(map(float, lines()))
    assert starts[4] - starts[0] > 0.3
    assert starts[8] - starts[4] > 0.3


def test_a_thousand_events_leave_no_child_and_no_descriptor(script: Script) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    command = script('echo "$EXPRESSION_TRACK" >> log')
    with CommandSink(command, slot=0) as sink:
        sink.notice(event(track=0))
        wait_for(lines)
        wait_for(lambda: not children())
        before = descriptors()
        for track in range(1, 1001):
            sink.notice(event(track=track))
            wait_for(lambda track=track: len(lines()) > track - 50)  # type: ignore[misc]
        wait_for(lambda: len(lines()) == 1001)
        wait_for(lambda: not children())
        assert descriptors() == before
    assert not children("Z")


@pytest.mark.parametrize(("program", "found"), [("exit 3", "code 3"), ("kill -9 $$", "signal 9")])
def test_failures_are_told_once_and_counted(
    script: Script, caplog: pytest.LogCaptureFixture, program: str, found: str
) -> None:
    with CommandSink(script(program), slot=0) as sink:
        for track in range(7):
            sink.notice(event(track=track))
    told, summary = caplog.messages
    assert told.startswith("on-change: expected ./program to end with code 0, ")
    assert f"found {found};" in told
    assert summary == "on-change: 7 runs, 7 failed"


@pytest.mark.parametrize("fault", ["gone", "no program"])
def test_one_that_does_not_start_is_a_failure(
    script: Script, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    sink = CommandSink(script(""))
    program = Path("program")
    program.unlink() if fault == "gone" else program.write_bytes(b"\0\1\2")
    with sink:
        sink.notice(event())
        sink.notice(event("left"))
    assert "found that it does not start (" in caplog.messages[0]
    assert caplog.messages[1:] == ["on-change: 2 runs, 2 failed"]


@pytest.mark.parametrize("command", ["  ", "notify 'me", "no-such-program x", "./none", "/etc"])
def test_what_is_no_program_is_refused(command: str) -> None:
    with pytest.raises(SettingsError, match=r"^on-change: expected .*found .*; |, found none; "):
        CommandSink(command)


def test_what_does_not_end_is_ended_a_moment_after_the_run(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    with CommandSink(script("sleep 60 & echo $! >> log; wait"), slot=0) as sink:
        sink.notice(event())
        wait_for(lines)
        sink.notice(event("left"))
        began = time.monotonic()
    assert 1.9 < time.monotonic() - began < 2.5
    assert not children()
    (started,) = lines()
    stat = Path(f"/proc/{started}/stat")
    wait_for(lambda: not stat.exists() or " Z " in stat.read_text())
    assert caplog.messages == ["on-change: 1 runs, 1 events left out, 1 ended after 2 s"]


def test_one_that_does_not_hear_holds_nothing_up(script: Script) -> None:
    with CommandSink(script("trap '' TERM; echo $$ > log; while :; do sleep 0.1; done")) as sink:
        sink.notice(event())
        wait_for(lines)
        began = time.monotonic()
    assert time.monotonic() - began < 2.7
    os.killpg(int(lines()[0]), signal.SIGKILL)
    wait_for(lambda: not children())


def test_the_end_waits_no_longer_than_it_must(script: Script) -> None:
    with CommandSink(script(WRITES + "sleep 0.3"), slot=60) as sink:
        sink.notice(event())
        sink.notice(event("left"))
        began = time.monotonic()
    assert 0.5 < time.monotonic() - began < 1.5
    assert len(lines()) == 2
