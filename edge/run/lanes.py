"""Sources side by side: each camera and stream in a lane of its own, files in one after the other.

A lane has a recognizer, since that follows the faces of one source and belongs to one thread.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from edge.errors import EdgeError
from edge.types import Event, Frame, FrameResult, Outage, Source

_TICK = 0.1
"""Seconds between two looks at whether to end."""
log = logging.getLogger(__name__)

Item = tuple[Frame, FrameResult] | Outage | Event
Follow = Callable[[Iterable[Frame | Outage]], Generator[Item]]


@dataclass(frozen=True)
class Lane:
    """``sources`` that follow one another; ``shares`` are theirs of the work, summing to 1.

    ``follow`` yields the results of the frames of one source, its outages and events.
    """

    sources: Sequence[Source]
    follow: Follow
    shares: Sequence[float] = (1.0,)


class Lanes:
    """The results of ``lanes`` side by side.

    Where there are several sources, one that fails is logged and the others go on; ``exit_code`` is
    that of the first failure.
    """

    def __init__(self, lanes: Sequence[Lane], stopped: Callable[[], bool] = lambda: False) -> None:
        """Open nothing yet; no further source is opened once ``stopped`` says so."""
        self.exit_code = 0
        self._lanes, self._stopped = lanes, stopped
        self._alone = sum(len(lane.sources) for lane in lanes) == 1

    def results(self) -> Generator[Item]:
        """Yield every frame with its result, outages and events, until all lanes end.

        Raises ``EdgeError`` where the only source fails.
        """
        if len(self._lanes) == 1:
            yield from self._follow(self._lanes[0])
        else:
            yield from self._merged()

    def _follow(self, lane: Lane) -> Generator[Item]:
        before = 0.0
        for source, share in zip(lane.sources, lane.shares, strict=True):
            if self._stopped():
                return
            try:
                with source as opened, closing(lane.follow(opened)) as items:
                    for item in items:
                        yield _placed(item, before, share) if isinstance(item, tuple) else item
            except EdgeError as error:
                if self._alone:
                    raise
                self.exit_code = self.exit_code or error.exit_code
                log.error("%s", error)  # noqa: TRY400 - people get one line, no traceback
            before += share

    def _merged(self) -> Generator[Item]:
        """Run each lane on a thread of its own; a slow reader holds them up, so nothing is old."""
        items: queue.Queue[Item | BaseException | None] = queue.Queue(len(self._lanes))
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
            for lane in self._lanes
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


def _placed(item: tuple[Frame, FrameResult], before: float, share: float) -> Item:
    """Let ``done`` be the share of the whole lane."""
    frame, result = item
    return replace(frame, done=before + frame.done * share), result
