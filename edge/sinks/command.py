"""Runs a program at each event."""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Self

from edge.errors import SettingsError, first_line
from edge.events import Event
from edge.protocols import BaseSink

_MOST_AT_A_TIME = 4
_MOST_WAITING = 64
_SLOT = 0.5
"""Seconds between two starts in one of the places for programs: 8 starts a second at most."""
_PATIENCE = 2.0
"""How long the end of a run waits for programs, seconds."""
_REAPING = 0.2
"""…and for those that it has told to end."""
_FIELDS = (
    *("event", "source", "time", "wall_time", "track", "label", "from", "score", "certain"),
    *("duration", "reason"),
)
log = logging.getLogger(__name__)


def variables(event: Event) -> dict[str, str]:
    """Return the details of ``event`` as environment variables, empty where they do not apply."""
    content = event.to_dict()
    return {f"EXPRESSION_{name.upper()}": _text(content.get(name)) for name in _FIELDS}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class CommandSink(BaseSink):
    """Runs ``command``, without a shell, at each event; never waits for it during a run.

    The details are in the environment (``variables``) and, as a line of JSON, on standard input;
    what it prints goes to standard error. Of each person, and of each source, one program runs at a
    time, 4 in all, and each of these places starts one in ``slot`` seconds at most. Meanwhile the
    newest event of a kind waits for its turn, up to 64 in all. Failures are logged once and counted
    until the end. Each program has a session of its own, so that Ctrl-C does not reach it; one that
    still runs 2 s after the end of the run gets SIGTERM.
    """

    def __init__(self, command: str, slot: float = _SLOT) -> None:
        """Split ``command`` as a shell does; raises ``SettingsError`` where it names no program."""
        self._command = _split(command)
        self._slot = slot
        self._waiting: list[Event] = []
        self._busy: dict[tuple[str, int | None], subprocess.Popen[bytes] | None] = {}
        """What runs for whom, see ``_whose``; None where it is being started."""
        self._changed = threading.Condition()
        """Guards all that changes."""
        self._ending = threading.Event()
        self._over = False
        self._run_count = self._failed_count = self._left_out = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start the threads that wait for programs."""
        self._threads = [
            threading.Thread(target=self._work, name="on-change", daemon=True)
            for _ in range(_MOST_AT_A_TIME)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        """Run what waits, for a moment; sum up what went wrong."""
        self._ending.set()
        with self._changed:
            self._changed.notify_all()
        self._join(_PATIENCE)
        with self._changed:
            self._over = True
            running = list(self._busy.values())
            counts = {
                "failed": self._failed_count,
                "events left out": self._left_out + len(self._waiting),
                f"ended after {_PATIENCE:g} s": len(running),
            }
            runs = self._run_count + len(running)
        for process in filter(None, running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        self._join(_REAPING)
        problems = [f"{count} {what}" for what, count in counts.items() if count]
        if problems:
            log.warning("on-change: %d runs, %s", runs, ", ".join(problems))

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def notice(self, event: Event) -> None:
        """Let the program run for ``event`` as soon as it is its turn."""
        with self._changed:
            told = self._left_out
            kept = [other for other in self._waiting if not _replaces(event, other)]
            self._left_out += len(self._waiting) - len(kept)
            self._waiting = [*kept, event]
            if len(self._waiting) > _MOST_WAITING:
                # Who was told to be there must be told to be gone.
                oldest = next((e for e in self._waiting if e.kind != "left"), self._waiting[0])
                self._waiting.remove(oldest)
                self._left_out += 1
            self._changed.notify()
            first = self._left_out and not told
        if first:
            log.warning(
                "on-change: expected %s to be done in time, found more events waiting; the newest "
                "are kept, the others counted until the end",
                self._command[0],
            )

    def _work(self) -> None:
        while (event := self._take()) is not None:
            due = time.monotonic() + self._slot
            problem = self._run(event)
            with self._changed:
                del self._busy[_whose(event)]
                self._changed.notify_all()
                self._run_count += 1
                self._failed_count += bool(problem)
                first = problem and self._failed_count == 1 and not self._over
            if first:
                log.warning(
                    "on-change: expected %s to end with code 0, found %s; try it by hand, further "
                    "failures are counted until the end",
                    *(self._command[0], problem),
                )
            self._ending.wait(due - time.monotonic())

    def _take(self) -> Event | None:
        """Wait for an event whose turn it is; None when there will be none."""
        with self._changed:
            while not self._over:
                for event in self._waiting:
                    if _whose(event) not in self._busy:
                        self._waiting.remove(event)
                        self._busy[_whose(event)] = None
                        return event
                if self._ending.is_set():  # who is busy takes what waits for that
                    return None
                self._changed.wait()
        return None

    def _run(self, event: Event) -> str:
        """Run the program to its end; return what went wrong, empty for nothing."""
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                # Standard output may carry results. Without a standard error, 2 is any file.
                stdout=2 if sys.stderr else subprocess.DEVNULL,
                env=os.environ | variables(event),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # a NUL in a reason is a ValueError
            return f"that it does not start ({first_line(error)})"
        with self._changed:
            self._busy[_whose(event)] = process
        process.communicate(json.dumps(event.to_dict()).encode() + b"\n")
        code = process.returncode
        if code < 0:
            return f"signal {-code}"
        return f"code {code}" if code else ""


def _split(command: str) -> list[str]:
    """Return the program and its arguments; raises ``SettingsError``."""
    try:
        words = [os.path.expanduser(word) for word in shlex.split(command)]  # noqa: PTH111 - a word
    except ValueError as error:
        raise SettingsError(
            f"on-change: expected a command, found {command!r} ({first_line(error)}); close its "
            "quotes"
        ) from error
    if not words:
        raise SettingsError("on-change: expected a program, found none; name one or leave it out")
    if shutil.which(words[0]) is None:
        raise SettingsError(
            f"on-change: expected a program, found no {words[0]!r} that can be run; check its name "
            "('./' before one of this folder) and 'chmod +x'; for a shell's words \"sh -c '…'\""
        )
    return words


def _whose(event: Event) -> tuple[str, int | None]:
    """The person, or the source itself, whose programs follow one another."""
    return event.source, event.track


def _replaces(event: Event, waiting: Event) -> bool:
    return _whose(event) == _whose(waiting) and event.kind == waiting.kind
