"""How far a scan is, for people: a bar on a terminal, a line every minute elsewhere."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from edge.scan.inputs import Input
from edge.scan.work import Outcome

_EVERY = 60.0
"""Seconds between two lines where there is no terminal."""


@dataclass
class Totals:
    """What became of files; ``seconds`` are of video, ``bytes`` of files."""

    files: int = 0
    done: int = 0
    failed: int = 0
    other: int = 0
    seconds: float = 0.0
    bytes: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one file."""
        self.files += 1
        self.bytes += outcome.file.fingerprint[0]
        self.done += outcome.kind == "done"
        self.other += outcome.kind == "other"
        self.failed += bool(outcome.reason) and outcome.kind != "other"
        if outcome.manifest:
            self.seconds += outcome.manifest["length"]


class ScanProgress:
    """Shows how much is done of files of these ``sizes``, in bytes."""

    def __init__(
        self,
        sizes: Sequence[int],
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float = _EVERY,
    ) -> None:
        """Begin to count; ``every`` so many seconds there is a line where there is no terminal."""
        self.totals = Totals()
        self._files, self._size, self._clock = len(sizes), max(sum(sizes), 1), clock
        self._console = console or Console(stderr=True)
        self._start, self._every = clock(), every
        self._begun: dict[str, float] = {}
        """Bytes that are done of files that are not, by part."""
        self._ended = threading.Event()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Show the bar where there is a terminal, and begin to print lines where there is none."""
        if self._console.is_terminal:
            columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")
            self._bar = Progress(*columns, console=self._console, refresh_per_second=4)
            self._bar.start()
            self._task = self._bar.add_task(self.line(), total=self._size)
        else:
            threading.Thread(target=self._print, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._ended.set()
        if self._bar:
            self._bar.stop()

    def add(self, outcome: Outcome) -> None:
        """Count one file, and show it."""
        self._begun.pop(outcome.file.part, None)
        self.totals.add(outcome)
        self._show()

    def tell(self, file: Input, share: float) -> None:
        """Take which ``share`` of ``file`` is done, NaN where it doesn't say; from any thread."""
        if not math.isnan(share):
            self._begun[file.part] = share * file.fingerprint[0]
            self._show()

    def line(self) -> str:
        """Return what is done and how long the rest will take."""
        totals, took, read = self.totals, self._clock() - self._start, self._read()
        parts = [f"{totals.files} of {count(self._files, 'file')}", f"{read / self._size:.0%}"]
        parts.append(f"{hours(totals.seconds)} of video")
        if took > 1 and totals.seconds:
            parts.append(f"{totals.seconds / took:.1f} × real time")
        if read:
            parts.append(f"{hours(took * (self._size - read) / read)} left")
        if totals.failed:
            parts.append(f"{totals.failed} failed")
        return " · ".join(parts)

    def _read(self) -> float:
        return min(self.totals.bytes + sum(list(self._begun.values())), self._size)

    def _show(self) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self._read(), description=self.line())

    def _print(self) -> None:
        while not self._ended.wait(self._every):
            with suppress(OSError):  # nobody reads it
                self._console.print(self.line(), highlight=False, soft_wrap=True)


def count(number: int, what: str) -> str:
    """Return "1 file" or "2 files"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def hours(seconds: float) -> str:
    """Return a length as "1:02:03"."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
