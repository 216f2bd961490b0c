"""How far a scan is, for people: a bar on a terminal, a line every minute elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from edge.scan.work import Outcome

_EVERY = 60.0
"""Seconds between two lines where there is no terminal."""


@dataclass
class Totals:
    """What is done; ``seconds`` are of video, ``bytes`` of files."""

    files: int = 0
    failed: int = 0
    other: int = 0
    seconds: float = 0.0
    bytes: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one file."""
        self.files += 1
        self.bytes += outcome.file.fingerprint[0]
        self.other += outcome.kind == "other"
        self.failed += bool(outcome.reason) and outcome.kind != "other"
        if outcome.manifest:
            self.seconds += outcome.manifest["length"]


class ScanProgress:
    """Shows how many of ``files`` are done, whose sizes sum to ``size`` bytes."""

    def __init__(
        self,
        files: int,
        size: int,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to count; nothing is shown before ``__enter__``."""
        self.totals = Totals()
        self._files, self._size, self._clock = files, max(size, 1), clock
        self._console = console or Console(stderr=True)
        self._start = self._said = clock()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Show the bar where there is a terminal."""
        if self._console.is_terminal:
            columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")
            self._bar = Progress(*columns, console=self._console, refresh_per_second=4)
            self._bar.start()
            self._task = self._bar.add_task(self.line(), total=self._size)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()

    def add(self, outcome: Outcome) -> None:
        """Count one file, and show it."""
        self.totals.add(outcome)
        if self._bar:
            self._bar.update(self._task, completed=self.totals.bytes, description=self.line())
        elif self._clock() - self._said >= _EVERY:
            self._said = self._clock()
            with suppress(BrokenPipeError):
                self._console.print(self.line(), highlight=False, soft_wrap=True)

    def line(self) -> str:
        """Return what is done and how long the rest will take."""
        totals, took = self.totals, self._clock() - self._start
        parts = [f"{totals.files} of {self._files} files", f"{hours(totals.seconds)} of video"]
        if took > 1 and totals.seconds:
            parts.append(f"{totals.seconds / took:.1f} × real time")
        if totals.bytes:
            left = took * (self._size - totals.bytes) / totals.bytes
            parts.append(f"{hours(left)} left")
        if totals.failed:
            parts.append(f"{totals.failed} failed")
        return " · ".join(parts)


def hours(seconds: float) -> str:
    """Return a length as "1:02:03"."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
