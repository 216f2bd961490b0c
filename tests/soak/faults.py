"""What goes wrong in turn, and when it did."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.edge.sinks.mosquitto import Broker
from tests.soak.camera import Camera
from tests.soak.viewers import ignore

_DISK = "8m"
"""Room for what an output keeps, and little more."""
_MORE_VIEWERS = 2
_LONGEST, _SHARE = 30.0, 0.25
"""A fault lasts so many seconds at most, and this share of the time from one to the next."""
_SETTLED = 10.0
"""Seconds after a fault that are not counted as free of faults, or the same share."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault, by how it begins and how it ends."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]


@dataclass(slots=True)
class Fault:
    """One of a kind, in seconds since the start; ``settled`` is when its effect should be over."""

    kind: str
    began: float
    ended: float
    settled: float


class Schedule:
    """Begins and ends ``kinds`` in turn, one ``every`` so many seconds."""

    def __init__(self, kinds: Sequence[Kind], every: float) -> None:
        """Wait for the first one."""
        self.faults: list[Fault] = []
        self._kinds, self._every = list(kinds), every
        self._due = every
        self._now: Kind | None = None

    @property
    def name(self) -> str:
        """What is wrong now, "" for nothing."""
        return self._now.name if self._now else ""

    def step(self, seconds: float) -> None:
        """Begin or end what is due ``seconds`` after the start."""
        if self._now and seconds >= self.faults[-1].ended:
            self.stop(seconds)
        if not self._now and self._kinds and seconds >= self._due:
            self._due += self._every
            self._now = self._kinds[len(self.faults) % len(self._kinds)]
            ended = seconds + min(_LONGEST, _SHARE * self._every)
            settled = ended + min(_SETTLED, _SHARE * self._every)
            self.faults.append(Fault(self._now.name, seconds, ended, settled))
            self._now.begin()

    def stop(self, seconds: float) -> None:
        """End what is wrong now."""
        if self._now:
            self._now.end()
            last = self.faults[-1]
            last.settled += seconds - last.ended
            last.ended = seconds
            self._now = None


def kinds(camera: Camera, port: int, disk: Path | None, broker: Broker | None) -> Iterator[Kind]:
    """Yield what can go wrong here; ``port`` is that of the page."""
    yield Kind("stream dropped", camera.dropped.set, camera.dropped.clear)
    yield Kind("stream stalled", camera.stalled.set, camera.stalled.clear)
    if disk:
        filler = disk / "filler"
        yield Kind("disk full", lambda: fill(filler), filler.unlink)
    if broker:
        yield Kind("broker away", broker.kill, broker.start)
    crowd = Crowd(port)
    yield Kind("viewers who don't read", crowd.come, crowd.leave)


class Crowd:
    """More viewers who don't read."""

    def __init__(self, port: int) -> None:
        """Let none in yet."""
        self._port, self._end = port, threading.Event()

    def come(self) -> None:
        """Let them in."""
        self._end = threading.Event()
        for _ in range(_MORE_VIEWERS):
            threading.Thread(target=self._ignore, args=(self._end,), daemon=True).start()

    def _ignore(self, end: threading.Event) -> None:
        with suppress(OSError):
            ignore(self._port, end, _LONGEST)

    def leave(self) -> None:
        """Send them away."""
        self._end.set()


def fill(path: Path) -> None:
    """Write ``path`` until its disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small file system at ``folder``; None where this isn't allowed, as without root."""
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", folder)
    done = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False)
    mounted = done is not False and done.returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(("umount", "--lazy", folder), check=False)
