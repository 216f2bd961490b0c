"""The search in a live picture, on a thread of its own beside the loop."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from edge.protocols import Detector
from edge.types import Face, Image
from edge.vision.pool import Pool
from edge.vision.search import Plan, find_faces


class Scout:
    """Looks at tiles of a live frame on a core of its own, while the next frames go on.

    It takes a detector of ``pool`` for each. What it finds is looked for in a newer frame before
    anybody sees it.
    """

    def __init__(self, pool: Pool[Detector]) -> None:
        """Open nothing yet."""
        self._pool = pool
        self._thread = ThreadPoolExecutor(1, "scout")
        self._found: Future[Sequence[Face]] | None = None
        self._time = 0.0

    def close(self) -> None:
        """Take no more frames; the last look ends by itself.

        Not waited for: whoever forgets a stream may have Python close it on this very thread.
        """
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def free(self) -> bool:
        """Whether it can take a frame."""
        return self._found is None

    def send(self, image: Image, plan: Plan, time: float) -> None:
        """Begin to look at ``image`` as planned; ``time`` is the frame's."""
        self._time = time
        self._found = self._thread.submit(self._look, image, plan)

    def report(self) -> tuple[Sequence[Face], float]:
        """Return what was found since the last call, and its frame's time; never waits."""
        if self._found is None or not self._found.done():
            return (), self._time
        found, self._found = self._found.result(), None
        return found, self._time

    def forget(self) -> None:
        """Drop what it looks at, of another source."""
        if self._found:
            wait([self._found])
        self._found = None

    def _look(self, image: Image, plan: Plan) -> Sequence[Face]:
        with self._pool.lend() as detector:
            return find_faces(detector, image, plan)
