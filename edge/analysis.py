"""What one image shows by itself: detect → crop → classify, and that of many on all cores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, ParamSpec, TypeVar

from edge.contract import ModelContract
from edge.protocols import Classifier, Detector
from edge.types import Face, Floats, Frame, Image, Outage
from edge.vision.crops import crop_faces
from edge.vision.pool import Pool
from edge.vision.search import FaceSearch, Plan, find_faces

MOST_WORKERS = 4
"""Each has networks of its own in memory, and rarely are there more faces in a frame."""
_MOST_BYTES = 128 << 20
"""Of frames that wait for their results, which is more than four of 3840×2160 have."""
P = ParamSpec("P")
T = TypeVar("T")


class Analysis(NamedTuple):
    """What one image shows by itself: ``probabilities`` is ``float32[faces, labels]``."""

    faces: Sequence[Face]
    probabilities: Floats
    stage_ms: Mapping[str, float]


Analyse = Callable[[Image, Plan], Analysis]
Item = tuple[Frame, Analysis] | Outage


class Analyser:
    """detect → crop → classify, each stage timed; belongs to one thread."""

    def __init__(self, detector: Detector, classifier: Classifier, contract: ModelContract) -> None:
        """Take the parts; raises ``ContractError`` where the model has no framing for them."""
        self._detector, self._classifier, self._contract = detector, classifier, contract
        self._framing = contract.framing(detector.framing)

    def __call__(self, image: Image, plan: Plan) -> Analysis:
        """Look at ``image`` (``uint8[H, W, 3]`` BGR) as planned; name the faces' expressions."""
        timed = Stopwatch()
        height, width = self._contract.height, self._contract.width
        faces = timed("detect", find_faces, self._detector, image, plan)
        crops = timed("crop", crop_faces, image, faces, self._framing, height, width)
        rows = timed("classify", self._classifier.classify, crops)
        return Analysis(faces, rows, timed.stage_ms)


class Prefetch:
    """Analyses the next frames of a file on ``size`` threads while one is in use.

    Interpreters run without Python's lock, so that a file goes through so many cores at a time,
    each with an analyser of ``pool``. Where to look in a frame follows from the frames until the
    fourth before it, however many threads there are, so that they change no result.
    """

    def __init__(self, pool: Pool[Analyse], size: int) -> None:
        """Open nothing yet."""
        self._pool = pool
        self._threads = ThreadPoolExecutor(size, "analysis")

    def close(self) -> None:
        """Drop what is not begun; what is ends by itself, as with ``Scout.close``."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def __call__(
        self,
        items: Iterable[Frame | Outage],
        search: FaceSearch,
        live: Callable[[Frame, bool], Analysis],
    ) -> Iterator[Item]:
        """Yield ``items`` in order with their analyses.

        ``live`` analyses a live frame and takes whether it is the first one of its source.
        """
        source: str | None = None
        waiting: deque[tuple[Frame, Future[Analysis]]] = deque()

        def next_one() -> Item:
            frame, future = waiting.popleft()
            analysis = future.result()
            if frame.source == source and not frame.still:
                search.note(analysis.faces, frame.time)
            return frame, analysis

        def held() -> int:
            return sum(frame.image.nbytes for frame, _ in waiting)

        for item in items:
            if isinstance(item, Outage):
                yield item
                continue
            first, source = item.source != source, item.source
            if item.live:
                yield item, live(item, first)
                continue
            while waiting and (
                len(waiting) == MOST_WORKERS or held() + item.image.nbytes > _MOST_BYTES
            ):
                yield next_one()
            if first:
                search.reset()
            image = item.image
            plan = search.full(image) if item.still else search.plan(image, item.time)
            waiting.append((item, self._threads.submit(self._analyse, item.image, plan)))
            while first and not item.still and waiting:
                yield next_one()  # the next frames begin with what this one shows
        yield from (next_one() for _ in range(len(waiting)))

    def _analyse(self, image: Image, plan: Plan) -> Analysis:
        with self._pool.lend() as analyse:
            return analyse(image, plan)


class Stopwatch:
    """Calls a function and notes under a name how many milliseconds it took."""

    def __init__(self) -> None:
        """Start with nothing noted."""
        self.stage_ms: dict[str, float] = {}

    def __call__(
        self, stage: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what ``function`` returns."""
        start = time.perf_counter()
        result = function(*args, **kwargs)
        self.stage_ms[stage] = (time.perf_counter() - start) * 1e3
        return result
