"""BlazeFace through the MediaPipe package, in a process that can't open a connection.

For comparison with ``blazeface``, which computes the same without the package. The process is
``mediapipe_child``: it holds back the package's reports to its vendor, and its 3 s of import, its
threads and its crashes (on processors that its wheels weren't built for) stay out of this one.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

from edge.assets import read_asset
from edge.errors import DetectorError
from edge.frames import Box, Face, Image
from edge.places import advice

_MODEL = "BlazeFace short range"
_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("mediapipe_child.py")))
_START_SECONDS = 120
_ANSWER_SECONDS = 30
_END_SECONDS = 5
_SLICE_SECONDS = 0.5
"""How long one wait lasts before the wish to stop is looked at; a frame takes a tenth of it."""
_INSTALL = advice(
    "run 'make run-edge DETECTOR=mediapipe', which installs it",
    "install mediapipe in the place of this OpenCV: it brings its own",
)
_ADVICE = f"{_INSTALL} (Linux; needs libEGL and libGLES), or use the detector 'blazeface'"


class MediaPipeTasks:
    """Finds faces with ``mediapipe.tasks``, in IMAGE mode; belongs to one thread."""

    def __init__(
        self,
        min_score: float = 0.5,
        stop: Callable[[], bool] = lambda: False,
        command: Sequence[str] = _COMMAND,
        start_seconds: float = _START_SECONDS,
    ) -> None:
        """Start the process; ``command`` is what runs in it, given the pixels' descriptor.

        ``stop`` is asked while an answer is waited for. Raises ``DetectorError`` where the package
        is missing or its reports can't be held back, ``AssetError``.
        """
        self._stop = stop
        model = read_asset(_MODEL)
        if sys.platform != "linux":
            raise DetectorError(_failed("the MediaPipe package on Linux", f"{sys.platform}"))
        self._pixels = os.memfd_create("pixels")
        self._memory = mmap.mmap(-1, 1)
        with tempfile.TemporaryFile() as log:
            self._process = _start((*command, str(self._pixels)), self._pixels, log)
            self.close = weakref.finalize(self, _end, self._process, self._pixels)
            setup = {"min_score": min_score, "model_bytes": len(model)}
            try:
                self.name = str(self._ask(setup, start_seconds, model)["ready"])
            except DetectorError as error:
                self.close()
                raise DetectorError(f"{error}{_last_words(log)}") from error

    def detect(self, image: Image) -> Sequence[Face]:
        """Return the faces in ``image`` (``uint8[H, W, 3]`` BGR), best first.

        Boxes are whole pixels plus a half: the package cuts the fractions off. Raises
        ``DetectorError``.
        """
        height, width = image.shape[:2]
        if not image.size:
            raise DetectorError(f"expected a frame with pixels, found {width}×{height}; skip it")
        self._share(image)
        answer = self._ask({"height": height, "width": width}, _ANSWER_SECONDS)
        return [_face(row, width, height) for row in answer["faces"]]

    def _share(self, image: Image) -> None:
        if len(self._memory) < image.size:
            os.ftruncate(self._pixels, image.size)
            self._memory = mmap.mmap(self._pixels, image.size)
        shared = np.frombuffer(self._memory, np.uint8, image.size).reshape(image.shape)
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, shared)

    def _ask(self, request: dict[str, Any], seconds: float, attachment: bytes = b"") -> Any:
        try:
            line = self._exchange(json.dumps(request).encode() + b"\n" + attachment, seconds)
        except BaseException:  # Ctrl-C too: a late answer would be taken for the next one's
            self._process.kill()
            raise
        answer = json.loads(line)
        if "error" in answer:
            found = " ".join(answer["error"].split())
            raise DetectorError(_failed("the MediaPipe package to run", found))
        return answer

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        """Send ``request`` as fast as it is read, and return the line that answers it."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        began = time.monotonic()
        line = b""
        while not line.endswith(b"\n"):
            ready = select.select([answers], [requests] if request else [], [], _SLICE_SECONDS)
            waited = time.monotonic() - began
            if waited > seconds or (self._stop() and not any(ready)):
                raise DetectorError(_failed(f"an answer within {waited:.1f} s", "none"))
            if ready[1]:
                try:
                    request = request[os.write(requests.fileno(), request) :]
                except BrokenPipeError:
                    request = b""  # what it answered before, or its exit code, says why
            if ready[0]:
                part = os.read(answers.fileno(), 1 << 16)
                if not part:
                    raise DetectorError(_failed("the MediaPipe process to run", self._ending()))
                line += part
        return line

    def _ending(self) -> str:
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "that it answers no more"
        return f"that {signal.Signals(-code).name} ended it" if code < 0 else f"exit code {code}"


def _start(command: Sequence[str], pixels: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=(pixels,),
        process_group=0,  # Ctrl-C is for the process that knows what to do about it
    )
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)  # the model is larger than a pipe
    return process


def _end(process: subprocess.Popen[bytes], pixels: int) -> None:
    """Let the process see the end of its requests, and help it if it doesn't."""
    os.close(pixels)
    for pipe in (process.stdin, process.stdout):
        pipe.close()  # type: ignore[union-attr]
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _failed(expected: str, found: str) -> str:
    return f"mediapipe: expected {expected}, found {found}; {_ADVICE}"


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f" (its last words: {lines[-1]})" if lines else ""


def _face(row: Sequence[float], width: int, height: int) -> Face:
    """A row of the child's answer → ``Face`` in pixels of the frame."""
    left, top, box_width, box_height, score, *points = row
    left, top = left + 0.5, top + 0.5
    box = Box(left, top, left + box_width + 0.5, top + box_height + 0.5)
    scale = np.array([width, height], np.float32)
    return Face(box, score, np.array(points, np.float32).reshape(-1, 2) * scale)
