"""Detection of the next frame while this one is still in work, for frames that wait in a file."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from edge.frames import Detector, Face, Image


class Ahead:
    """``inner`` in a thread of its own, for images that are announced before their turn.

    Detector and classifier are two interpreters, and run without Python's lock: on two cores a file
    goes through nearly as fast as the slower of them. An image that was not announced is looked at
    when it comes. What ``detect`` takes is then the time that a frame still had to wait.
    """

    def __init__(self, inner: Detector) -> None:
        """Wrap ``inner``, which is never in use twice at a time."""
        self.name = inner.name
        self._inner = inner
        self._thread = ThreadPoolExecutor(1, "detector")
        self._begun: deque[tuple[Image, Future[Sequence[Face]]]] = deque()

    def announce(self, image: Image) -> None:
        """Begin with ``image`` (``uint8[H, W, 3]`` BGR), which must stay as it is till then."""
        self._begun.append((image, self._thread.submit(self._inner.detect, image)))

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image``, best first; raises what ``inner`` raises.

        Images come in the order in which they were announced.
        """
        while self._begun:
            begun, faces = self._begun.popleft()
            found = faces.result()
            if begun is image:
                return found
        return self._inner.detect(image)
