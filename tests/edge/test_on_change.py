"""``--on-change`` of the real command line: what programs are told, and how a run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.edge.clips import write_change
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, one_line, start

NOTES = """
import json, os, sys
seen = {k: v for k, v in os.environ.items() if k.startswith("EXPRESSION_")}
with open(sys.argv[1], "a") as notes:
    notes.write(json.dumps([seen, json.loads(sys.stdin.read())]) + "\\n")
print("noted", seen["EXPRESSION_EVENT"])
"""

Noted = list[tuple[dict[str, str], dict[str, object]]]


@pytest.fixture
def noting(tmp_path: Path) -> tuple[str, Callable[[], Noted]]:
    """A command that notes what it is told, and what it has noted."""
    (tmp_path / "notes.py").write_text(NOTES)
    target = tmp_path / "notes.jsonl"

    def noted() -> Noted:
        return [json.loads(line) for line in target.read_text().splitlines()]

    return f"'{sys.executable}' '{tmp_path / 'notes.py'}' '{target}'", noted


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it happens in time"
        time.sleep(0.02)


def test_a_program_is_told_who_appears_and_leaves(
    repository: Path, noting: tuple[str, Callable[[], Noted]]
) -> None:
    command, noted = noting
    arguments = ("demo", "--frames", 40, "--display", "off")
    code, out, err = finish(start(repository, *arguments, "--on-change", command))
    assert code == 0
    told = [record for _, record in noted()]
    assert sorted((e["track"], e["event"], e["label"]) for e in told) == [  # type: ignore[type-var]
        (1, "appeared", "happy"),
        (1, "left", "happy"),
        (2, "appeared", "neutral"),
        (2, "left", "neutral"),
    ]
    for seen, record in noted():
        assert seen["EXPRESSION_SOURCE"] == record["source"] == "demo"
        assert seen["EXPRESSION_EVENT"] == record["event"]
        assert seen["EXPRESSION_TRACK"] == str(record["track"])
        assert float(seen["EXPRESSION_TIME"]) == record["time"]
    assert "noted" not in out
    assert err.count("noted") == 4


def test_a_change_is_told_with_both_labels(
    repository: Path, tmp_path: Path, noting: tuple[str, Callable[[], Noted]]
) -> None:
    command, noted = noting
    write_change(tmp_path / "clip.mp4")
    code, _, _ = finish(start(repository, tmp_path / "clip.mp4", "--on-change", command))
    assert code == 0
    assert [record["event"] for _, record in noted()] == ["appeared", "changed", "left"]
    seen, record = noted()[1]
    assert (record["from"], record["to"]) == ("happy", "neutral")
    assert (seen["EXPRESSION_FROM"], seen["EXPRESSION_LABEL"]) == ("happy", "neutral")


def test_a_failing_program_is_told_and_changes_no_exit_code(repository: Path) -> None:
    code, out, err = finish(start(repository, "demo", "--frames", 40, "--on-change", "false"))
    assert code == 0
    assert "people " in out
    assert err.splitlines() == [
        "expressions: on-change: expected false to end with code 0, found code 1; try it by hand, "
        "further failures are counted until the end",
        "expressions: on-change: 4 runs, 4 failed",
    ]


@pytest.mark.parametrize("command", ["no-such-program", "notify 'me", " "])
def test_what_is_no_program_ends_the_run_at_once(repository: Path, command: str) -> None:
    code, out, err = finish(start(repository, "demo", "--on-change", command))
    assert (code, out) == (2, "")
    assert one_line(err).startswith("expressions: on-change: expected a ")


def test_everybody_leaves_where_a_run_is_stopped(repository: Path, tmp_path: Path) -> None:
    """So that a lamp is switched off."""
    program, lines = tmp_path / "program", tmp_path / "lines"
    program.write_text(f'#!/bin/sh\necho "$EXPRESSION_EVENT $EXPRESSION_TRACK" >> {lines}\n')
    program.chmod(0o755)
    process = start(repository, "demo", "--frames", 1_000_000, "--on-change", program)
    wait_for(lambda: lines.exists() and lines.read_text().count("appeared") == 2)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert (code, err) == (0, "")
    told = lines.read_text().splitlines()
    assert sorted(told) == ["appeared 1", "appeared 2", "left 1", "left 2"]


def test_ctrl_c_reaches_no_program_and_waits_for_none(repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/numbers\nexec sleep 60\n")
    program.chmod(0o755)
    numbers = tmp_path / "numbers"
    process = start(
        repository, "demo", "--frames", 1_000_000, "--on-change", program, terminal=False
    )
    wait_for(lambda: numbers.exists() and len(numbers.read_text().split()) == 2)
    asked = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(1)
    started = list(map(int, numbers.read_text().split()))
    for number in started:
        os.kill(number, 0)
    code, _, err = finish(process)
    assert time.monotonic() - asked < 3.5
    assert code == 0
    assert one_line(err) == "expressions: on-change: 2 runs, 2 events left out, 2 ended after 2 s\n"
    for number in started:
        with suppress(ProcessLookupError):
            os.kill(number, 0)
            pytest.fail("it has ended")


def test_without_a_standard_error_its_output_goes_nowhere(
    repository: Path, tmp_path: Path, noting: tuple[str, Callable[[], Noted]]
) -> None:
    command, noted = noting
    records = tmp_path / "a.jsonl"
    run = [PYTHON, "-m", "edge", "run", "demo", "--frames", "40", "--output", str(records)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *run, "--on-change", command],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert len(noted()) == 4
    assert "noted" not in done.stdout
    assert all(json.loads(line) for line in records.read_text().splitlines())
