"""What a run adds up to: counts, label shares, speed, and percentiles of the stage times."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.protocols import BaseSink
from edge.types import STAGES, Frame, FrameResult, Outage

_RECENT = 30
"""Frames that the momentary speed is taken over."""
_MOST_LISTED = 20
"""Sources that a summary has a line for."""
_NAME_LETTERS = 28
"""Of a source in a picture: more would not fit into a line of a small one."""
_PHOTOGRAPHS = "photographs"
_PERCENTILES = (50, 95, 99)
_KEPT = 10_000
"""Frames that the percentiles are taken over, the newest ones: memory must not grow for ever."""


class Stats(BaseSink):
    """A sink that counts, to be the first one: it takes the latency from capture to result.

    ``clock`` gives the seconds in which live frames are captured.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start at nought."""
        self.frames = self.outages = 0
        self.seen: dict[str, People] = {}
        """By source; all photographs are one."""
        self._clock = clock
        self._started_at = self._ended_at = 0.0
        self._out: set[str] = set()
        self._newest: Frame | None = None
        self._media: dict[str, float] = {}
        """Seconds of each source until its newest frame."""
        self._files, self._live = Pace(), defaultdict[str, Pace](Pace)
        self._stage_ms: deque[list[float]] = deque(maxlen=_KEPT)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Count one frame."""
        stages = [result.stage_ms.get(stage, 0.0) for stage in STAGES]
        total = sum(stages)
        self._ended_at = self._clock()
        if self.frames == 0:
            self._started_at = self._ended_at - total / 1e3
        self._out.discard(frame.source)
        self.frames += 1
        self.seen.setdefault(_PHOTOGRAPHS if frame.still else frame.source, People()).add(result)
        self._newest = frame
        self._media[frame.source] = frame.time
        pace = self._live[frame.source] if frame.live else self._files
        latency = (self._ended_at - frame.captured_at) * 1e3
        pace.add(self._ended_at, latency if frame.live else total, frame.dropped)
        self._stage_ms.append([*stages, total])

    def lost(self, outage: Outage) -> None:
        """Count an outage once, and forget the speed of the moment: it was another moment's."""
        if outage.is_shown and outage.source in self._live and outage.source not in self._out:
            self._out.add(outage.source)
            self.outages += 1
            self._live[outage.source].recent.clear()

    @property
    def live(self) -> bool:
        """Whether frames came from something that has no end of its own."""
        return bool(self._live)

    @property
    def dropped(self) -> int:
        """Frames of all sources that came too fast."""
        return sum(pace.dropped for pace in self._live.values())

    @property
    def fps(self) -> float:
        """Frames a second over the whole run, sources and sinks included."""
        seconds = self._ended_at - self._started_at
        return self.frames / seconds if seconds > 0 else 0.0

    def status(self) -> str:
        """Speed of the newest frame's source: frames a second, and the milliseconds that one takes.

        Of a live one they count from its capture.
        """
        recent = self._pace.recent
        if len(recent) < 2:  # one frame has no speed
            return "starting"
        seconds = recent[-1][0] - recent[0][0]
        fps = (len(recent) - 1) / seconds if seconds > 0 else self.fps
        (shown,) = _percentiles([milliseconds for _, milliseconds in recent], (50,))
        after = "" if self._pace is self._files else " after capture"
        return f"{fps:.0f} FPS · {shown:.1f} ms{after}"

    def corner(self) -> str:
        """The status with the source and what was dropped, for a picture."""
        name = self._newest.source if self._newest else ""
        shown = name if len(name) <= _NAME_LETTERS else f"{name[: _NAME_LETTERS - 1]}…"
        dropped = f", {self._pace.dropped} dropped" if self._pace.dropped else ""
        return f"{self.status()} · {shown}{dropped}"

    def progress(self) -> str:
        """Of files: "34% done, 5.1 × real time, 0:12 left"; empty where there is no telling."""
        done = self._newest.done if self._newest else math.nan
        seconds = self._ended_at - self._started_at
        if not 0 < done < 1 or seconds <= 0:
            return ""
        media = sum(self._media.values())
        minutes, rest = divmod(round(seconds / done - seconds), 60)
        parts = [
            f"{done:.0%} done",
            f"{media / seconds:.1f} × real time" if media else "",
            f"{minutes}:{rest:02} left",
        ]
        return ", ".join(filter(None, parts))

    def details(self) -> str:
        """The status and, of files, the progress, of live sources the percentiles and the drops."""
        pace = self._pace
        if pace is self._files or len(pace.milliseconds) < 2:
            return " · ".join(filter(None, (self.progress(), self.status())))
        p50, p95, p99 = _percentiles(pace.milliseconds)
        return (
            f"{self.status()} (p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}), {pace.dropped} dropped"
        )

    def percentiles(self) -> Mapping[str, tuple[float, ...]]:
        """p50, p95 and p99 in milliseconds: of each stage, of their sum, and of the latency."""
        if not self._stage_ms:
            return {}
        rows = dict(zip((*STAGES, "total"), np.array(self._stage_ms).T, strict=True))
        if self.live:
            rows["latency"] = np.concatenate([pace.milliseconds for pace in self._live.values()])
        return {name: _percentiles(values) for name, values in rows.items()}

    def summary(self, facts: Mapping[str, str]) -> Sequence[str]:
        """Return a report in lines: ``facts`` (what was used), the counts and the times."""
        lines = {
            **facts,
            "frames": f"{self.frames}, {self.dropped} dropped" if self.live else f"{self.frames}",
            "people": self._people(),
            "speed": f"{self.fps:.1f} FPS",
            **({"outages": f"{self.outages}"} if self.outages else {}),
        }
        rows = [f"{name:<12} {value}" for name, value in lines.items()]
        after = list(lines).index("people") + 1
        rows[after:after] = self._each()
        rows += [f"{'stage':<12} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}"]
        rows += [
            f"  {stage:<10}" + "".join(f" {value:8.2f}" for value in values)
            for stage, values in self.percentiles().items()
        ]
        return rows

    @property
    def _pace(self) -> Pace:
        """That of the newest frame's source."""
        newest = self._newest
        return self._live[newest.source] if newest and newest.live else self._files

    def _people(self) -> str:
        """Everybody, of all sources: where there is one, with the shares of the labels."""
        if len(self.seen) <= 1:
            return next((str(people) for people in self.seen.values()), "none")
        total = sum(people.count for people in self.seen.values())
        return f"{total} in {len(self.seen)} inputs"

    def _each(self) -> Iterator[str]:
        """A line for each of several sources."""
        if len(self.seen) <= 1:
            return
        names = list(self.seen)
        for name in names[:_MOST_LISTED]:
            yield f"  {name}: {self.seen[name]}"
        if len(names) > _MOST_LISTED:
            yield f"  and {len(names) - _MOST_LISTED} more"


class Pace:
    """How fast the frames of one live source come, or those of all files."""

    def __init__(self) -> None:
        """Start with no frame."""
        self.dropped = 0
        self.recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        """When each of the newest ones was done, and the milliseconds that it took."""
        self.milliseconds: deque[float] = deque(maxlen=_KEPT)

    def add(self, at: float, milliseconds: float, dropped: int) -> None:
        """Note a frame that was done ``at``, in seconds, and those that were dropped before it."""
        self.dropped += dropped
        self.recent.append((at, milliseconds))
        self.milliseconds.append(milliseconds)


class People:
    """Who was seen in one source, and what share of their time each label has."""

    def __init__(self) -> None:
        """Start with nobody."""
        self.pictures = self.faces = self.certain = 0
        self.tracks = self._newest = 0
        """How many, and the number of the newest one: they are numbered in their order."""
        self.labels: Counter[str] = Counter()

    def add(self, result: FrameResult) -> None:
        """Count the faces of one frame."""
        self.pictures += 1
        self.faces += len(result.faces)
        for face in result.faces:
            self.labels[face.shown.label] += 1
            self.certain += face.shown.certain
        numbers = [face.track_id for face in result.faces if face.track_id is not None]
        self.tracks += sum(number > self._newest for number in numbers)
        self._newest = max(self._newest, *numbers, 0)

    @property
    def count(self) -> int:
        """How many people: tracks, in photographs faces."""
        return self.tracks or self.faces

    def __str__(self) -> str:
        """As in "2: happy 61.0%, neutral 39.0%; certain in 90.1%"."""
        if not self.faces:
            return "none"
        shares = [f"{name} {n / self.faces:.1%}" for name, n in self.labels.most_common()]
        pictures = f" in {self.pictures} photograph{'s' * (self.pictures > 1)}"
        count = f"{self.count}{'' if self.tracks else pictures}"
        return f"{count}: {', '.join(shares)}; certain in {self.certain / self.faces:.1%}"


def _percentiles(
    values: Sequence[float] | NDArray[np.float64] | deque[float],
    wanted: Sequence[int] = _PERCENTILES,
) -> tuple[float, ...]:
    """What ``np.percentile`` gives, which imports masked arrays: a tenth of a run's start."""
    ordered = np.sort(np.array(values))
    places = np.array(wanted) / 100 * (len(ordered) - 1)
    return tuple(np.interp(places, np.arange(len(ordered)), ordered).tolist())
