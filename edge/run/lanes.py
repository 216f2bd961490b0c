"""Many sources in one run: files one after the other, then cameras and streams side by side.

A lane has a recognizer, since that follows the faces of one source and belongs to one thread.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from edge.errors import EdgeError
from edge.events import Event
from edge.protocols import Source
from edge.types import Frame, FrameResult, Outage

_TICK = 0.1
"""Seconds between two checks whether to end."""
_STILL = 1.0
"""Seconds that a photograph stands where results come at their pace, and the longest wait."""
log = logging.getLogger(__name__)

Item = tuple[Frame, FrameResult] | Outage | Event
Follow = Callable[[Iterable[Frame | Outage]], Generator[Item]]


@dataclass(frozen=True)
class Lane:
    """``sources`` that follow one another; ``shares`` are theirs of the work, summing to 1.

    ``follow`` yields the results of their frames, outages and events.
    """

    sources: Sequence[Source]
    follow: Follow
    shares: Sequence[float] = (1.0,)


class Lanes:
    """The results of ``files``, if there is such a lane, and then of ``live`` ones side by side.

    Where there are several sources, one that fails is logged and the others go on; ``exit_code`` is
    that of the first failure. ``stopped`` says when to end; ``paced`` that the results of files
    come at the pace of their times.
    """

    def __init__(
        self,
        files: Lane | None = None,
        live: Sequence[Lane] = (),
        stopped: Callable[[], bool] = lambda: False,
        paced: bool = False,
    ) -> None:
        """Open nothing yet."""
        self.exit_code = 0
        self._files, self._live = files, live
        self._stopped, self._paced = stopped, paced
        lanes = [*([files] if files else []), *live]
        self._alone = sum(len(lane.sources) for lane in lanes) == 1

    def results(self) -> Generator[Item]:
        """Yield every frame with its result, outages and events, until all sources end.

        Raises ``EdgeError`` where the only source fails.
        """
        results = self._results()
        return paced(results, self._stopped) if self._paced else results

    def _results(self) -> Generator[Item]:
        if self._files:
            yield from self._follow(self._files)
        if len(self._live) == 1:
            yield from self._follow(self._live[0])
        elif self._live:
            yield from self._merged()

    def _follow(self, lane: Lane) -> Generator[Item]:
        with closing(self._frames(lane)) as frames, closing(lane.follow(frames)) as results:
            yield from results

    def _frames(self, lane: Lane) -> Generator[Frame | Outage]:
        """Yield what the sources of a lane give; ``done`` becomes the share of the whole lane."""
        before = 0.0
        for source, share in zip(lane.sources, lane.shares, strict=True):
            try:
                if self._stopped():
                    return
                with source as opened:
                    for item in opened:
                        if self._stopped():
                            return
                        yield _placed(item, before, share) if isinstance(item, Frame) else item
            except EdgeError as error:
                if self._alone:
                    raise
                self.exit_code = self.exit_code or error.exit_code
                log.error("%s", error)  # noqa: TRY400 - people get one line, no traceback
            before += share

    def _merged(self) -> Generator[Item]:
        """Run each lane on a thread of its own; a slow reader holds them up, so nothing is old."""
        items: queue.Queue[Item | BaseException | None] = queue.Queue(len(self._live))
        ending = threading.Event()

        def put(item: Item | BaseException | None) -> bool:
            while not ending.is_set():
                try:
                    items.put(item, timeout=_TICK)
                except queue.Full:
                    continue
                return True
            return False

        def work(lane: Lane) -> None:
            try:
                with closing(self._follow(lane)) as followed:
                    for item in followed:
                        if not put(item):
                            return
            except BaseException as error:  # noqa: BLE001 - it is raised where the results are read
                put(error)
            else:
                put(None)

        threads = [
            threading.Thread(target=work, args=(lane,), name="lane", daemon=True)
            for lane in self._live
        ]
        for thread in threads:
            thread.start()
        running = len(threads)
        try:
            while running:
                item = items.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    running -= 1
                else:
                    yield item
        finally:
            ending.set()
            for thread in threads:
                thread.join(1.0)


def paced(
    results: Generator[Item],
    stopped: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Item]:
    """Yield ``results`` at the pace of their times, photographs a second apart; live ones as is."""
    source: str | None = None
    start = until = 0.0
    """When the time of the source was 0, and how long a photograph stands."""
    with closing(results):
        for item in results:
            if isinstance(item, tuple) and not item[0].live:
                frame = item[0]
                if frame.source != source:
                    source, start = frame.source, max(clock(), until) - frame.time
                due = min(start + frame.time, clock() + _STILL)
                while not stopped() and (wait := due - clock()) > 0:
                    sleep(min(wait, _TICK))
                until = clock() + _STILL if frame.still else 0.0
            yield item


def _placed(frame: Frame, before: float, share: float) -> Frame:
    return frame if share == 1 else replace(frame, done=before + frame.done * share)
